/** The two hubs, each started as its users start it, with the same people in its database. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueToken } from '../../src/access/issue-token.ts'
import { grantRole } from '../../src/access/role-grants.ts'
import { silentLogger } from '../../src/core/runtime.ts'
import { scopeDefinitions } from '../../src/core/scopes/definitions.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { putRole } from '../../src/features/roles/store.ts'
import { startOrrery } from '../../test/support/orrery-process.ts'
import { descendants } from '../../test/support/processes.ts'
import { singleUserCommand } from '../../test/support/python-env.ts'
import { startReferenceHub, TESTER_SCOPES } from '../../test/support/reference-hub.ts'
import { cpuSecondsOf, megabytesOf } from '../process-cost.ts'
import { type BenchUser, fillDatabase } from './fill-database.ts'

export const PROGRAMS = ['orrery', 'jupyterhub'] as const
export type Program = (typeof PROGRAMS)[number]

export interface MeasuredHub {
  readonly program: Program
  /** The hub itself, without the proxy in front. */
  readonly url: string
  /** The hub alone; its proxy and launcher are processes of their own. */
  readonly pid: number
  /** Of a service that may do nearly all. */
  readonly adminToken: string
  readonly start: StartCost
  megabytes(): { hub: number; proxy: number }
  stop(): Promise<void>
}

export interface StartCost {
  /** From the command to the first answer of `/hub/api/` through the proxy. */
  readonly elapsedSeconds: number
  /** Processor time of the hub process until then. */
  readonly hubCpuSeconds: number
}

/** `bin`: of a built package. */
export function startHub(program: Program, users: readonly BenchUser[], bin: string): Promise<MeasuredHub> {
  return program === 'orrery' ? startOurs(users, bin) : startTheirs(users)
}

async function startOurs(users: readonly BenchUser[], bin: string): Promise<MeasuredHub> {
  const options = {
    bin,
    config: {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true, adminUsers: ['boss'] },
      servers: { cmd: singleUserCommand() },
    },
  }
  const first = await startOrrery(options)
  const dbFile = join(first.dataDir, 'hub/jupyterhub.sqlite')
  const adminToken = await makeTester(dbFile)
  await first.stop({ keepData: true })
  fillDatabase(dbFile, users)

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
    pid,
    adminToken,
    start,
    megabytes: () => ({ hub: megabytesOf(pid), proxy: megabytesOf(orrery.part('proxy')!.pid) }),
    async stop() {
      await orrery.stop()
      rmSync(first.dataDir, { recursive: true, force: true })
    },
  }
}

async function startTheirs(users: readonly BenchUser[]): Promise<MeasuredHub> {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-bench-'))
  const first = await startReferenceHub({ dir })
  await first.stop()
  fillDatabase(join(dir, 'jupyterhub.sqlite'), users)

  const began = performance.now()
  const hub = await startReferenceHub({ dir })
  const start = { elapsedSeconds: secondsSince(began), hubCpuSeconds: cpuSecondsOf(hub.pid) }
  const isProxy = (word: string) => word.endsWith('configurable-http-proxy')
  const proxy = descendants(hub.pid).find(info => info.command.some(isProxy))!.pid // its child, as configured
  return {
    program: 'jupyterhub',
    url: hub.hubUrl,
    pid: hub.pid,
    adminToken: hub.adminToken,
    start,
    megabytes: () => ({ hub: megabytesOf(hub.pid), proxy: megabytesOf(proxy) }),
    async stop() {
      await hub.stop()
      rmSync(dir, { recursive: true, force: true })
    },
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
