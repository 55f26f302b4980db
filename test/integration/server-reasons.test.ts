/** Every reason of the table is provoked for real: by servers that fail as theirs do, started by the real launcher. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HubError } from '../../src/core/errors.ts'
import type { Reason } from '../../src/core/reason.ts'
import type { Json } from '../../src/core/runtime.ts'
import type { ServerKey } from '../../src/core/server-key.ts'
import { SERVER_REASONS, type ServerReasonCode } from '../../src/core/server-reasons.ts'
import { testDatabases } from '../../src/db/testing.ts'
import { type LauncherClient, launcherClient } from '../../src/launcher/client.ts'
import { systemPython, type TestLauncher, testLauncher } from '../../src/launcher/testing.ts'
import { type TestUsers, testUsers } from '../../src/launcher/testing-users.ts'
import { preparePki } from '../../src/pki/internal/change-pki.ts'
import { openHubTls } from '../../src/pki/internal/hub-tls.ts'
import { LOCAL_NAMES, testPki } from '../../src/pki/internal/testing.ts'
import type { Spawner } from '../../src/plugin/spawner.ts'
import { local } from '../../src/spawners/local/local.ts'
import { findServer } from '../../src/spawning/server-row.ts'
import { type TestHubOptions, type TestSite, type TestSpawningHub, testSite } from '../../src/spawning/testing.ts'
import { pythonOf, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const mayMount = isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
const FULL_HOME = join(import.meta.dirname, '../testbed/full-home.sh')
const UNAVAILABLE = 69 // EX_UNAVAILABLE of sysexits.h
const SECRET = '0123456789abcdef'.repeat(2)

/** What servers do here, each a program that ends up as servers of people do. */
const PROGRAMS = {
  sleeps: 'import time; time.sleep(600)',
  silent: 'import os, time; s = __import__("socket").create_server(("127.0.0.1", port)); time.sleep(600)',
  unwell: `
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_error(503)
http.server.HTTPServer(("127.0.0.1", port), H).serve_forever()`,
  crashes: 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)',
  greedy: 'x = bytearray(600_000_000); x[::4096] = b"x" * len(x[::4096])',
  bare: 'from jupyterhub.singleuser import main; main()',
  incomplete: 'import jupyterlab_that_nobody_has_installed',
  talks: `import sys; print("JUPYTERHUB_API_TOKEN=${SECRET}"); sys.exit(3)`,
} as const

interface Asked extends TestHubOptions {
  readonly command?: readonly string[]
  readonly user?: string
  readonly as?: 'linux-user' | 'own-account'
  readonly change?: (spawner: Spawner) => Partial<Spawner>
  /** Default: the site that all share. */
  readonly at?: TestSite
}

/** What a single-user server asks at its start. */
function answerAsHub(_: IncomingMessage, answer: ServerResponse): void {
  answer.setHeader('X-JupyterHub-Version', '6.1.1')
  answer.end('{"version": "6.1.1"}')
}

describe('reasons of servers that fail', { concurrency: 3, skip: !isRoot && 'takes root' }, () => {
  let programs: string
  let launcher: TestLauncher
  let users: TestUsers
  let site: TestSite
  let hubUrl: string
  let oldSingleUser: string
  const closing: (() => unknown)[] = []
  const crashed = new Set<TestSpawningHub>()
  before(async () => {
    programs = mkdtempSync(join(tmpdir(), 'orrery-reasons-'))
    chmodSync(programs, 0o755)
    for (const [name, source] of Object.entries(PROGRAMS)) {
      const port = 'import os; port = int(os.environ["JUPYTERHUB_SERVICE_URL"].split(":")[2].split("/")[0])'
      writeFileSync(join(programs, name), `#!${systemPython()} -I\n${port}\n${source}\n`, { mode: 0o755 })
    }
    oldSingleUser = join(dirname(pythonOf('old-singleuser.sh')), 'jupyterhub-singleuser')
    writeFileSync(join(programs, 'locked'), '#!/bin/sh\n', { mode: 0o600 })
    writeFileSync(join(programs, 'orphan'), '#!/nonexistent/python\n', { mode: 0o755 })
    const all = [...Object.keys(PROGRAMS), 'missing', 'locked', 'orphan'].map(name => [program(name)])
    users = testUsers()
    launcher = await testLauncher({
      moreCommands: [...all, singleUserCommand(), [oldSingleUser]],
    })
    site = await freshSite()
    hubUrl = `http://127.0.0.1:${await listening(createHttpServer(answerAsHub))}`
  })
  after(async () => {
    for (const close of closing.reverse()) await close()
    await launcher?.close()
    users?.close()
    if (programs) rmSync(programs, { recursive: true, force: true })
  })

  /** For what counts or looks after all servers. */
  async function freshSite(): Promise<TestSite> {
    const { url, drop } = await testDatabases()[0]!.create()
    const made = await testSite({ databaseUrl: url, drop })
    closing.push(() => made[Symbol.asyncDispose]())
    return made
  }

  const program = (name: string) => join(programs, name)
  const realServer = () => ({ command: singleUserCommand(), as: 'linux-user' as const, environment: { hubUrl } })

  function through(client: LauncherClient, as: 'linux-user' | 'own-account' = 'own-account'): Spawner {
    return local({ launcher: client, as }) as unknown as Spawner<Json, Json> // its states are JSON
  }

  /** As when the launcher is away. */
  function throughNobody(): Spawner {
    return through(launcherClient({ socketPath: join(programs, 'nobody.sock'), dialForMs: 0 }))
  }

  let count = 0
  async function hubFor({ command, user, as = 'own-account', change, settings, at = site, ...rest }: Asked) {
    const name = user ?? `r${++count}`
    await at.addUser(name)
    const real = through(launcher.client, as)
    const hub = await at.hub({
      spawner: { ...real, ...change?.(real) },
      settings: {
        command: command ?? launcher.command,
        startTimeoutMs: 60_000,
        httpTimeoutMs: 20_000,
        concurrentSpawnLimit: 0,
        ...settings,
      },
      ...rest,
    })
    closing.push(async () => {
      if (crashed.has(hub)) return
      await hub.spawning.stop(key, { by: 'test' })
      await hub.spawning.settled(key, 20_000)
    })
    const key: ServerKey = { user: name, server: '' }
    return { hub, key }
  }

  /** Starts a server that is to fail. */
  async function failure(asked: Asked): Promise<Reason> {
    const { hub, key } = await hubFor(asked)
    await hub.spawning.start(key, { requestedBy: key.user })
    return reasonOf(hub, key)
  }

  async function reasonOf(hub: TestSpawningHub, key: ServerKey): Promise<Reason> {
    const state = await hub.spawning.settled(key, 150_000)
    assert.ok(state.phase === 'failed' || state.phase === 'stopped', JSON.stringify(state))
    assert.ok(state.reason, 'a reason is told')
    return state.reason
  }

  async function running(asked: Asked) {
    const { hub, key } = await hubFor(asked)
    await hub.spawning.start(key, { requestedBy: key.user })
    const state = await hub.spawning.settled(key, 60_000)
    assert.equal(state.phase, 'ready', JSON.stringify(state))
    const { pid } = (await findServer(hub.database, key))!.state as { pid: number }
    return { hub, key, pid }
  }

  /** Of a server that ended after it had been ready. */
  async function ended({ hub, key }: { hub: TestSpawningHub; key: ServerKey }): Promise<Reason> {
    await until('the end is noticed', async () => (await hub.spawning.check(key)).phase !== 'ready')
    return reasonOf(hub, key)
  }

  /** What is refused before anything is started. */
  async function refusal(key: ServerKey, hub: TestSpawningHub): Promise<Reason> {
    const error = await hub.spawning.start(key, { requestedBy: key.user }).then(
      () => assert.fail('was not refused'),
      fault => fault as unknown,
    )
    assert.ok(error instanceof HubError, String(error))
    return { code: error.code, message: error.message, ...(error.nextStep && { nextStep: error.nextStep }) }
  }

  async function listening(server: Server): Promise<number> {
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    closing.push(() => server.close())
    return (server.address() as AddressInfo).port // TCP
  }

  /** A home of a Linux user of its own, changed for the time of a start. */
  async function withHome(person: 'alice' | 'bob' | 'carol' | 'erik', change: (home: string) => void, asked: Asked) {
    const user = users.name(person)
    change(homeOf(user))
    return failure({ as: 'linux-user', ...asked, user })
  }

  function homeOf(user: string): string {
    return execFileSync('getent', ['passwd', user], { encoding: 'utf8' }).split(':')[5]!
  }

  const provocations: Record<ServerReasonCode, () => Promise<Reason>> = {
    out_of_memory: async () => {
      const reason = await failure({
        command: [program('greedy')],
        settings: { limits: { memoryBytes: 128 * 2 ** 20 } },
      })
      assert.match(reason.message, /limit of its memory/)
      return reason
    },
    disk_full: async () => {
      const reason = await withHome('alice', home => void filled(home, 'disk'), realServer())
      assert.match(reason.message, /the disk is full/)
      assert.match(reason.logTail ?? '', /No space left on device/)
      return reason
    },
    too_many_servers: async () => {
      const at = await freshSite()
      const { hub } = await running({ at, settings: { activeServerLimit: 1 } })
      await at.addUser('late')
      return refusal({ user: 'late', server: '' }, hub)
    },
    too_many_starts: async () => {
      const at = await freshSite()
      const { hub, key } = await hubFor({ at, command: [program('sleeps')], settings: { concurrentSpawnLimit: 1 } })
      await at.addUser('late')
      await hub.spawning.start(key, { requestedBy: key.user })
      return refusal({ user: 'late', server: '' }, hub)
    },
    too_many_named_servers: async () => {
      const { hub, key } = await running({ settings: { namedServerLimit: 1 } })
      await hub.spawning.create({ ...key, server: 'one' }, {})
      return refusal({ ...key, server: 'two' }, hub)
    },
    home_missing: () => withHome('bob', home => rmSync(home, { recursive: true }), {}),
    home_not_readable: () => withHome('carol', home => ownedByRoot(home, 0o700), {}),
    home_not_writable: () => withHome('erik', home => ownedByRoot(home, 0o755), {}),
    directory_missing: () => failure({ settings: { notebookDir: '~/no/such/folder' } }),
    file_not_permitted: async () => {
      const user = users.name('fred')
      const home = `/home/${user}`
      mkdirSync(join(home, '.local/share/jupyter'), { recursive: true, mode: 0o700 })
      const reason = await failure({ ...realServer(), user })
      assert.match(reason.message, /\.local/)
      return reason
    },
    linux_user_missing: () => failure({ as: 'linux-user', user: 'nobody-of-this-machine' }),
    shell_disabled: () => {
      execFileSync('usermod', ['--shell', '/usr/sbin/nologin', users.name('dora')])
      return failure({ as: 'linux-user', user: users.name('dora') })
    },
    command_not_found: () => failure({ command: [program('missing')] }),
    command_not_executable: () => failure({ command: [program('locked')] }),
    interpreter_missing: () => failure({ command: [program('orphan')] }),
    singleuser_missing: () => failure({ command: [program('bare')] }),
    python_module_missing: () => failure({ command: [program('incomplete')] }),
    // It wants the classic Notebook, which nobody installs beside JupyterLab any more.
    singleuser_too_old: () => failure({ command: [oldSingleUser], environment: { hubUrl } }),
    exited_early: async () => {
      const [status, signal, talks] = await Promise.all([
        failure({ command: [...launcher.command, '--fail=3'] }),
        failure({ command: [program('crashes')] }),
        failure({ command: [program('talks')] }),
      ])
      assert.match(status.message, /exit status 3/)
      assert.match(status.logTail ?? '', /on purpose/)
      assert.deepEqual([signal.code, talks.code], ['exited_early', 'exited_early'])
      assert.match(signal.message, /SIGSEGV/)
      assert.equal(talks.logTail, 'JUPYTERHUB_API_TOKEN=[hidden]\n')
      return status
    },
    port_taken: async () => {
      const port = await listening(createServer())
      return failure({ settings: { listen: { port } } })
    },
    address_taken: async () => {
      const port = await listening(createHttpServer((_, answer) => answer.end('somebody else')))
      return failure({
        settings: { httpTimeoutMs: 1_500 },
        change: real => ({
          start: async (server, run) => ({ ...(await real.start(server, run)), port }),
        }),
      })
    },
    hub_unreachable: async () => {
      // As long as it takes until the server has said so once.
      for (const startTimeoutMs of [15_000, 60_000]) {
        const environment = { hubUrl: 'http://127.0.0.1:1' }
        const settings = { startTimeoutMs }
        const reason = await failure({ command: singleUserCommand(), environment, settings })
        if (reason.code === 'spawn_timeout' && startTimeoutMs < 60_000) continue
        assert.match(reason.message, /at http:\/\/127\.0\.0\.1:1\/hub\/api/)
        return reason
      }
      return assert.fail()
    },
    // A spawner that does not place certificates.
    server_without_tls: async () => {
      const pki = testPki()
      closing.push(() => pki[Symbol.dispose]())
      await preparePki(pki)
      const keys = openHubTls(pki)
      return failure({
        tls: { connectTo: key => keys.toServer(key), issue: ({ key }) => keys.forServer(key, LOCAL_NAMES) },
        change: real => ({ start: ({ tls: _, ...server }, run) => real.start(server, run) }),
      })
    },
    spawn_timeout: async () => {
      const reason = await failure({
        command: [program('sleeps')],
        settings: { startTimeoutMs: 4_000 },
      })
      assert.match(reason.message, /within 4 seconds; last seen: The process runs; nothing listens on port \d+ yet\.$/)
      return reason
    },
    http_timeout: async () => {
      const settings = { httpTimeoutMs: 2_000 }
      const [silent, unwell] = await Promise.all([
        failure({ command: [program('silent')], settings }),
        failure({ command: [program('unwell')], settings }),
      ])
      assert.match(silent.message, /within 2 seconds; last seen: it takes connections, but does not answer\.$/)
      assert.match(unwell.message, /last seen: it answers with status 503\.$/)
      assert.equal(unwell.code, 'http_timeout')
      assert.match(unwell.logTail ?? '', /GET .* 503/)
      return silent
    },
    hook_timeout: () =>
      failure({
        hooks: { prepare: () => new Promise(() => {}) },
        settings: { startTimeoutMs: 300 },
      }),
    launcher_unreachable: () => failure({ change: throughNobody }),
    launcher_timeout: async () => {
      const socketPath = join(programs, 'hangs.sock')
      const hangs = createServer(socket => void socket.unref())
      await new Promise<void>(done => hangs.listen(socketPath, done))
      const client = launcherClient({ socketPath, timeoutMs: 300 })
      closing.push(
        () => client.close(),
        () => void hangs.close(),
      )
      return failure({ change: () => through(client) })
    },
    hub_restarted: async () => {
      const begun = Promise.withResolvers<void>()
      const at = await freshSite()
      const first = await hubFor({
        at,
        hooks: {
          prepare() {
            begun.resolve()
            return new Promise(() => {})
          },
        },
      })
      await first.hub.spawning.start(first.key, { requestedBy: first.key.user })
      await begun.promise
      crashed.add(first.hub)
      await first.hub.crash()
      await at.expireLeases()
      // So long ago that nobody waits for it any more.
      await at.database.db.updateTable('orrery_runs').set({ since: '2020-01-01 00:00:00.000000' }).execute()
      const { hub } = await hubFor({ at })
      await hub.spawning.recover()
      return reasonOf(hub, first.key)
    },
    spawn_error: () =>
      failure({
        change: () => ({
          start: async () => {
            throw new TypeError('a fault of a plug-in')
          },
        }),
      }),
    stop_failed: async () => {
      const { hub, key } = await running({
        change: () => ({
          // The launcher has just gone away.
          stop: (...asked) => throughNobody().stop(...asked),
        }),
      })
      await hub.spawning.stop(key, { by: key.user })
      return reasonOf(hub, key)
    },
    server_died: async () => {
      const server = await running({})
      process.kill(server.pid, 'SIGKILL')
      const reason = await ended(server)
      assert.match(reason.message, /SIGKILL/)
      assert.match(reason.logTail ?? '', /listening on/)
      return reason
    },
    server_shut_down: async () => {
      const server = await running({})
      process.kill(server.pid, 'SIGTERM')
      return ended(server)
    },
    // Servers of this machine are not lost without it.
    node_lost: async () => {
      let isLost = false
      const server = await running({
        change: real => ({ poll: async (...asked) => (isLost ? { reason: 'node_lost' } : real.poll(...asked)) }),
      })
      isLost = true
      return ended(server)
    },
  }

  function ownedByRoot(home: string, mode: number): void {
    chownSync(home, 0, 0)
    chmodSync(home, mode)
  }

  /** Until the end of all tests; undefined where this kernel has no such thing, which the script says. */
  function filled(home: string, what: 'disk' | 'quota'): true | undefined {
    const { status } = spawnSync(FULL_HOME, [what, home], { stdio: ['ignore', 'ignore', 'inherit'] })
    if (status === UNAVAILABLE) return undefined
    assert.equal(status, 0)
    closing.push(() => execFileSync(FULL_HOME, ['down', home]))
    return true
  }

  const skipped: Partial<Record<ServerReasonCode, string | false>> = {
    disk_full: !mayMount && 'takes root that may mount',
  }

  for (const code of Object.keys(SERVER_REASONS) as ServerReasonCode[]) {
    it(code, { skip: skipped[code] ?? false }, async () => {
      const reason = await provocations[code]()

      assert.equal(reason.code, code, JSON.stringify(reason))
      assert.match(reason.message, /^\S.*\S$/)
      assert.equal(reason.nextStep, SERVER_REASONS[code].person)
      assert.ok(!JSON.stringify(reason).includes(SECRET))
    })
  }

  it('disk_full, by a quota', { skip: !mayMount && 'takes root that may mount' }, async test => {
    const user = users.name('gina')
    if (!filled(homeOf(user), 'quota')) return test.skip('this kernel has no quota that could be used up')

    const reason = await failure({ ...realServer(), as: 'linux-user', user })

    assert.equal(reason.code, 'disk_full', JSON.stringify(reason))
    assert.match(reason.message, /used up the quota/)
    assert.match(reason.logTail ?? '', /\[Errno 122\] Disk quota exceeded/)
  })
})
