/** The two hubs, each started as its users start it, with the same people in its database. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { issueToken } from '../../src/access/issue-token.ts'
import { grantRole } from '../../src/access/role-grants.ts'
import { silentLogger } from '../../src/core/runtime.ts'
import { scopeDefinitions } from '../../src/core/scopes/definitions.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { putRole } from '../../src/features/roles/store.ts'
import { startOrrery } from '../../test/support/orrery-process.ts'
import { descendants, readProcess } from '../../test/support/processes.ts'
import { singleUserCommand } from '../../test/support/python-env.ts'
import { startReferenceHub, TESTER_SCOPES } from '../../test/support/reference-hub.ts'
import { cpuSecondsOf, type Memory, memoryOf } from '../process-cost.ts'
import { type BenchUser, fillDatabase } from './fill-database.ts'

export const PROGRAMS = ['orrery', 'jupyterhub'] as const
export type Program = (typeof PROGRAMS)[number]

export interface MeasuredHub {
  readonly program: Program
  /** The hub itself, without the proxy in front. */
  readonly url: string
  /** Its SQLite file. */
  readonly database: string
  /** The hub alone; its proxy and launcher are processes of their own. */
  readonly pid: number
  /** Of a service that may do nearly all. */
  readonly adminToken: string
  readonly start: StartCost
  memory(): HubMemory
  /** Ends it and starts it again with the same data; servers of users go on meanwhile. */
  restart(): Promise<MeasuredHub>
  stop(): Promise<void>
}

export interface HubMemory {
  readonly hub: Memory
  readonly proxy: Memory
}

export interface StartCost {
  /** From the command to the first answer of `/hub/api/` through the proxy. */
  readonly elapsedSeconds: number
  /** Processor time of the hub process until then. */
  readonly hubCpuSeconds: number
}

export interface HubOptions {
  /** Of a built package. */
  readonly bin: string
  /** Program of servers. Default: the released one. */
  readonly command?: readonly string[]
}

export function startHub(program: Program, users: readonly BenchUser[], options: HubOptions): Promise<MeasuredHub> {
  return program === 'orrery' ? startOurs(users, options) : startTheirs(users, options)
}

/** Started as root it would make a Linux user for each server, which the other hub's simple spawner does not. */
const NOBODY = 65534

async function startOurs(users: readonly BenchUser[], { bin, command }: HubOptions): Promise<MeasuredHub> {
  const options = {
    bin,
    config: {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true, adminUsers: ['boss'] },
      servers: { cmd: command ?? singleUserCommand() },
    },
    ...(command && process.getuid?.() === 0 && { uid: NOBODY }),
  }
  const first = await startOrrery(options)
  const database = join(first.dataDir, 'hub/jupyterhub.sqlite')
  const adminToken = await makeTester(database)
  await first.stop({ keepData: true })
  fillDatabase(database, users)
  return startAgain()

  async function startAgain(): Promise<MeasuredHub> {
    const began = performance.now()
    const orrery = await startOrrery({ ...options, dataDir: first.dataDir })
    const pid = orrery.part('hub')!.pid // it has just answered
    const start = { elapsedSeconds: secondsSince(began), hubCpuSeconds: cpuSecondsOf(pid) }
    const config = JSON.parse(readFileSync(join(first.dataDir, 'orrery.config.json'), 'utf8')) as {
      hub: { bindUrl: string } // as startOrrery writes it
    }
    return {
      program: 'orrery',
      url: config.hub.bindUrl,
      database,
      pid,
      adminToken,
      start,
      memory: () => ({ hub: memoryOf(pid), proxy: memoryOf(orrery.part('proxy')!.pid) }),
      async restart() {
        await orrery.stop({ keepData: true })
        return startAgain()
      },
      async stop() {
        await orrery.stop()
        rmSync(first.dataDir, { recursive: true, force: true })
      },
    }
  }
}

async function startTheirs(users: readonly BenchUser[], { command }: HubOptions): Promise<MeasuredHub> {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  const database = join(dir, 'jupyterhub.sqlite')
  const configLines = [
    'c.JupyterHub.cleanup_servers = False',
    ...(command ? [`c.Spawner.cmd = ${JSON.stringify(command)}`] : []),
  ]
  const first = await startReferenceHub({ dir, configLines })
  await first.stop()
  fillDatabase(database, users)
  return startAgain()

  async function startAgain(): Promise<MeasuredHub> {
    const began = performance.now()
    const hub = await startReferenceHub({ dir, configLines })
    const start = { elapsedSeconds: secondsSince(began), hubCpuSeconds: cpuSecondsOf(hub.pid) }
    const isProxy = (word: string) => word.endsWith('configurable-http-proxy')
    const proxy = descendants(hub.pid).find(info => info.command.some(isProxy))!.pid // its child, as configured
    return {
      program: 'jupyterhub',
      url: hub.hubUrl,
      database,
      pid: hub.pid,
      adminToken: hub.adminToken,
      start,
      memory: () => ({ hub: memoryOf(hub.pid), proxy: memoryOf(proxy) }),
      async restart() {
        await hub.stop()
        return startAgain()
      },
      async stop() {
        await hub.stop()
        endServers(database)
        rmSync(dir, { recursive: true, force: true })
      },
    }
  }
}

/** Those that a hub without `cleanup_servers` has left, by what its spawner wrote down. */
function endServers(database: string): void {
  const sqlite = new DatabaseSync(database)
  const rows = sqlite.prepare("select json_extract(state, '$.pid') as pid from spawners where state like '%pid%'").all()
  sqlite.close()
  for (const { pid } of rows) {
    const isOurs = typeof pid === 'number' && readProcess(pid)?.command.some(word => word.endsWith('trivial-server.py'))
    if (isOurs) process.kill(pid, 'SIGKILL')
  }
}

/** What `services` and `load_roles` of the reference hub's configuration make. */
async function makeTester(dbFile: string): Promise<string> {
  const database = await openDatabase(`sqlite:///${dbFile}`, { log: silentLogger })
  const { db } = database
  const service = await db
    .insertInto('services')
    .values({ name: 'tester', admin: false, timeout: 30, from_config: true, display: true, oauth_no_confirm: false })
    .returning('id')
    .executeTakeFirstOrThrow()
  await putRole(db, { name: 'tester', description: '', scopes: TESTER_SCOPES })
  await grantRole(db, { kind: 'service', id: service.id }, 'tester')
  const { token } = await issueToken(db, { service, note: 'bench' }, scopeDefinitions, new Date())
  await database.close()
  return token
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000
}
