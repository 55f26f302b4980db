import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '../core/runtime.ts'
import { openDatabase } from '../db/open-database.ts'
import { findProcess } from '../launcher/process-info.ts'
import { checkServiceUsers, createManagedServices, type KnownService } from './managed-services.ts'
import { processRecords } from './process-records.ts'

const FOREVER = [process.execPath, '-e', 'setInterval(() => {}, 1000)']
const site = { baseUrl: '/', hubUrl: 'http://127.0.0.1:1', hubEnvironment: {} }

describe('managed services', () => {
  it('run in one hub, start again when they end, and end with it', async () => {
    await using hub = await testHub(FOREVER)
    hub.first.start()
    const pid = await hub.pid()
    hub.second.start()

    process.kill(pid, 'SIGKILL')
    const next = await hub.pid(pid)
    assert.deepEqual(hub.renewed, ['first'])

    await hub.first.close()
    assert.equal(await isAlive(next), false)
    const taken = await hub.pid(next)
    assert.deepEqual(hub.renewed, ['first', 'second'])
    await hub.second.close()
    assert.equal(await isAlive(taken), false)
  })

  it('are tried again when their program is missing, and can be ended in between', async () => {
    await using hub = await testHub(['/nowhere/culler'])
    hub.first.start()
    await until(() => hub.renewed.length > 0)
    await hub.first.close()
  })

  it('end what a killed hub left, but not what has its number now', async () => {
    await using hub = await testHub(FOREVER)
    const left = spawn(FOREVER[0]!, FOREVER.slice(1), { detached: true, stdio: 'ignore' })
    const other = spawn(FOREVER[0]!, FOREVER.slice(1), { detached: true, stdio: 'ignore' })
    const ended = once(left, 'exit')
    const records = processRecords(hub.database.db, hostname())
    const { startTime } = (await findProcess(left.pid!))!
    await records.started({ service: 'gone', pid: left.pid!, startTime })
    await records.started({ service: 'other', pid: other.pid!, startTime: 'another boot/1' })

    assert.deepEqual(await records.endLeftovers(), [{ service: 'gone', pid: left.pid!, startTime }])

    await ended
    assert.equal(await isAlive(other.pid!), true)
    assert.deepEqual(await records.endLeftovers(), [])
    other.kill('SIGKILL')
  })

  it('are refused as another Linux user than the hub', () => {
    assert.throws(() => checkServiceUsers([{ name: 'culler', command: ['x'], user: 'ada' }], 'orrery'), {
      code: 'service_user_refused',
    })
    checkServiceUsers(
      [
        { name: 'a', command: ['x'], user: 'orrery' },
        { name: 'b', user: 'ada' },
      ],
      'orrery',
    )
  })
})

async function testHub(command: readonly string[]) {
  const database = await openDatabase('sqlite://', { log: silentLogger })
  const values = {
    name: 'culler',
    admin: false,
    timeout: 30,
    from_config: true,
    display: true,
    oauth_no_confirm: false,
  }
  const { id } = await database.db.insertInto('services').values(values).returning('id').executeTakeFirstOrThrow()
  const service: KnownService = {
    id,
    oauthClientId: 'service-culler',
    apiToken: undefined,
    service: { name: 'culler', command, environment: {}, timeout: 30 },
  }
  const renewed: string[] = []
  const hub = (holder: string) =>
    createManagedServices({
      database,
      services: [service],
      site,
      holder,
      log: silentLogger,
      async renewToken() {
        renewed.push(holder)
        return 'the-token-of-the-culler'
      },
      leaseTermMs: 1_000,
    })
  const [first, second] = [hub('first'), hub('second')]
  return {
    database,
    first,
    second,
    renewed,
    /** Of a process that runs and is not `former`. */
    async pid(former?: number): Promise<number> {
      let found = 0
      await until(async () => {
        const row = await database.db.selectFrom('services').select('pid').executeTakeFirstOrThrow()
        found = row.pid ?? 0
        return found !== 0 && found !== former && (await isAlive(found))
      })
      return found
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([first.close(), second.close()])
      await database.close()
    },
  }
}

async function isAlive(pid: number): Promise<boolean> {
  const found = await findProcess(pid)
  return found !== undefined && !found.ended
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); await sleep(20)) {
    assert.ok(Date.now() < deadline, 'waited in vain')
  }
}
