import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../core/runtime.ts'
import { openDatabase } from '../db/open-database.ts'
import { type LauncherClient, launcherClient } from '../launcher/client.ts'
import { serviceKey } from '../launcher/launched-services.ts'
import { findEnvironment, findProcess } from '../launcher/processes/process-info.ts'
import { testLauncher } from '../launcher/testing.ts'
import { testUsers } from '../launcher/testing-users.ts'
import { createManagedServices, type KnownService } from './managed-services.ts'
import { processRecords } from './process-records.ts'
import { launchedServices } from './service-users.ts'

const needsRoot = process.getuid?.() !== 0 && 'only root can become another user'
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
    await until('the token', () => hub.renewed.length > 0)
    await hub.first.close()
  })

  it('are tried again when a token could not be made', async () => {
    await using hub = await testHub(FOREVER)
    hub.failures.push(new Error('database is locked'))
    hub.first.start()

    const pid = await hub.pid()

    assert.deepEqual([hub.failures, hub.renewed], [[], ['first']])
    await hub.first.close()
    assert.equal(await isAlive(pid), false)
  })

  it('end what a killed hub left, but not what has its number now', async () => {
    await using hub = await testHub(FOREVER)
    const left = spawn(FOREVER[0]!, FOREVER.slice(1), { detached: true, stdio: 'ignore' })
    const other = spawn(FOREVER[0]!, FOREVER.slice(1), { detached: true, stdio: 'ignore' })
    const ended = once(left, 'exit')
    const records = processRecords(hub.database.db, hostname())
    const { startTime } = findProcess(left.pid!)!
    await records.started({ service: 'gone', pid: left.pid!, startTime })
    await records.started({ service: 'other', pid: other.pid!, startTime: 'another boot/1' })

    assert.deepEqual(await records.endLeftovers(), [{ service: 'gone', pid: left.pid!, startTime }])

    await ended
    assert.equal(await isAlive(other.pid!), true)
    assert.deepEqual(await records.endLeftovers(), [])
    other.kill('SIGKILL')
  })

  it('run as a Linux user of their own by the launcher, and are ended through it', { skip: needsRoot }, async t => {
    const users = testUsers()
    t.after(() => users.close())
    const user = users.name('alice')
    const command = ['/usr/bin/python3', '-c', 'import os, time; print("here", flush=True); time.sleep(1000)']
    const launcher = await testLauncher({ services: [{ name: 'culler', user, command, environmentNames: ['PATH'] }] })
    t.after(() => launcher.close())
    await using hub = await testHub(command, launcher.client)
    hub.first.start()

    const pid = await hub.pid()
    const { uid } = findProcess(pid)!
    assert.equal(uid, Number(execFileSync('id', ['-u', user], { encoding: 'utf8' })))
    assert.equal((await findEnvironment(pid))?.get('JUPYTERHUB_API_TOKEN'), 'the-token-of-the-culler')
    process.kill(pid, 'SIGKILL')
    const next = await hub.pid(pid)
    await until('what it says is in the logs', async () => {
      const { text } = await launcher.client.call('logs', { key: serviceKey('culler'), lines: 5 })
      return text === 'here\n'
    })

    // A launcher that was started again knows it.
    await launcher.restart()
    await hub.first.close()
    assert.equal(await isAlive(next), false)
  })
})

describe('users of services', () => {
  const launcher = (services: string[]) =>
    ({ call: async () => ({ services }), close() {} }) as Partial<LauncherClient> as LauncherClient // asked for `hello` alone
  const services = [
    { name: 'own', command: ['x'], user: 'orrery' },
    { name: 'elsewhere', user: 'ada' },
    { name: 'grades', command: ['x'], user: 'ada' },
  ]

  it('are the launcher’s business where they are not the hub’s own', async () => {
    assert.deepEqual([...(await launchedServices(services, 'orrery', async () => launcher(['grades'])))], ['grades'])
  })

  it('are refused where no launcher was told of them', async () => {
    await assert.rejects(
      launchedServices(services, 'orrery', async () => launcher([])),
      {
        code: 'service_user_refused',
        message: /grades is to run as ada/,
      },
    )
  })
})

async function testHub(command: readonly string[], launcher?: LauncherClient) {
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
  const failures: Error[] = []
  const hub = (holder: string) =>
    createManagedServices({
      database,
      services: [service],
      site,
      holder,
      launcher: launcher ?? launcherClient({ socketPath: '/nowhere' }),
      launched: new Set(launcher ? ['culler'] : []),
      log: silentLogger,
      async renewToken() {
        const failure = failures.pop()
        if (failure) throw failure
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
    /** With which the next tokens are refused. */
    failures,
    /** Of a process that runs and is not `former`. */
    async pid(former?: number): Promise<number> {
      return until('the process of the service', async () => {
        const { pid } = await database.db.selectFrom('services').select('pid').executeTakeFirstOrThrow()
        return pid !== null && pid !== former && (await isAlive(pid)) ? pid : undefined
      })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([first.close(), second.close()])
      await database.close()
    },
  }
}

async function isAlive(pid: number): Promise<boolean> {
  const found = findProcess(pid)
  return found !== undefined && !found.ended
}
