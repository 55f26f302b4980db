import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Logger } from '../core/runtime.ts'
import { findProcess } from './processes/process-info.ts'
import type { Answers, Asked } from './protocol.ts'
import { systemPython, type TestLauncher, testLauncher } from './testing.ts'

const ip = '127.0.0.1'

describe('servers of the launcher', () => {
  let launcher: TestLauncher
  let count = 0
  before(async () => {
    launcher = await testLauncher()
  })
  after(() => launcher?.close())

  const newKey = () => ({ user: 'ada', server: `s${++count}` })
  const call: TestLauncher['client']['call'] = (...args) => launcher.client.call(...args)

  async function startServer(
    flags: string[] = [],
    changes: Partial<Asked<'start'>> = {},
  ): Promise<Answers['start'] & { key: Asked<'start'>['key']; port: number }> {
    const key = changes.key ?? newKey()
    const { port } = await call('freePort', { ip })
    const started = await call('start', {
      key,
      as: 'own-account',
      command: [...launcher.command, ...flags],
      environment: {
        JUPYTERHUB_USER: key.user,
        JUPYTERHUB_SERVER_NAME: key.server,
        JUPYTERHUB_SERVICE_URL: `http://${ip}:${port}/user/ada/`,
      },
      directory: '',
      limits: {},
      ...changes,
    })
    return { ...started, key, port }
  }
  const listening = async (server: Awaited<ReturnType<typeof startServer>>) => {
    const { key, pid, startTime, port } = server
    assert.deepEqual(await call('watch', { key, pid, startTime, ip, port, waitMs: 20_000 }), { seen: 'listening' })
    return server
  }
  const stop = (server: Pick<Asked<'stop'>, 'key' | 'pid' | 'startTime'>) =>
    call('stop', { key: server.key, pid: server.pid, startTime: server.startTime, interruptMs: 0, terminateMs: 0 })

  it('are told alive from another process with the same pid', async () => {
    const server = await startServer()
    const { key, pid, startTime } = server
    const older = startTime.replace(/\d+$/, ticks => String(Number(ticks) - 1))

    assert.deepEqual(await call('poll', { key, pid, startTime }), { running: true })
    assert.partialDeepStrictEqual(await call('poll', { key, pid, startTime: older }), { running: false })
    assert.deepEqual(await call('stop', { key, pid, startTime: older, interruptMs: 0, terminateMs: 0 }), {
      stopped: true,
    })
    assert.deepEqual(await call('poll', { key, pid, startTime }), { running: true })
    await stop(server)
  })

  it('are adopted when JupyterHub started them, by their pid alone', async () => {
    const child = spawn(launcher.command[0]!, launcher.command.slice(1), {
      detached: true,
      stdio: 'ignore',
      env: {
        JUPYTERHUB_USER: 'ada',
        JUPYTERHUB_SERVICE_URL: `http://${ip}:${(await call('freePort', { ip })).port}/`,
        ORRERY_TEST_LAUNCHER: launcher.folder,
      },
      // What JupyterHub starts as root runs as an ordinary user.
      ...(process.getuid?.() === 0 && { uid: 4242, gid: 4242 }),
    })
    const pid = child.pid!
    const key = { user: 'ada', server: '' }

    assert.deepEqual(await call('poll', { key, pid }), { running: true })
    assert.partialDeepStrictEqual(await call('poll', { key: { user: 'bob', server: '' }, pid }), { running: false })
    const ended = once(child, 'exit')
    await call('stop', { key, pid, interruptMs: 0, terminateMs: 5000 })
    await ended
    assert.deepEqual(await call('poll', { key, pid }), { running: false, exit: {} })
  })

  it('are the only processes that a hub can stop', async () => {
    const bystander = spawn('sleep', ['600'], { stdio: 'ignore' })
    const key = { user: 'ada', server: 'none' }
    const startTime = findProcess(bystander.pid!)!.startTime

    await call('stop', { key, pid: bystander.pid, interruptMs: 0, terminateMs: 0 })
    await call('stop', { key, pid: bystander.pid, startTime, interruptMs: 0, terminateMs: 0 })
    await call('stop', { key, pid: process.pid, interruptMs: 0, terminateMs: 0 })

    assert.equal(findProcess(bystander.pid!)?.ended, false)
    bystander.kill()
  })

  it('that ignore being asked are killed, with all that they started', async () => {
    const server = await listening(await startServer(['--stubborn', '--children']))
    const { key, pid, startTime } = server

    const asked = { key, pid, startTime, interruptMs: 100, terminateMs: 100 }
    assert.deepEqual(await call('stop', asked), { stopped: true })

    assert.deepEqual(await call('poll', { key, pid, startTime }), { running: false, exit: { signal: 'SIGKILL' } })
    assert.deepEqual(await launcher.remains(), [])
  })

  it('leave nothing in their session when they end as asked', async () => {
    const { key, pid, startTime } = await listening(await startServer(['--children']))

    await call('stop', { key, pid, startTime, interruptMs: 5000, terminateMs: 5000 })

    assert.deepEqual(await call('poll', { key, pid, startTime }), { running: false, exit: { status: 0 } })
    assert.deepEqual(await launcher.remains(), [])
  })

  it('keep their exit status over a restart of the launcher', async () => {
    const { key, pid, startTime, port } = await startServer(['--fail=7'])
    assert.partialDeepStrictEqual(await call('watch', { key, pid, startTime, ip, port, waitMs: 20_000 }), {
      seen: 'ended',
      exit: { status: 7 },
    })

    await launcher.restart()

    assert.deepEqual(await call('poll', { key, pid, startTime }), { running: false, exit: { status: 7 } })
    assert.match((await call('logs', { key, lines: 5 })).text, /ending with 7/)
  })

  it('replace what is left of an earlier run of the same server', async () => {
    const first = await startServer()
    const second = await startServer([], { key: first.key })

    assert.notEqual(second.pid, first.pid)
    assert.equal(findProcess(first.pid), undefined)
    await stop(second)
  })

  it('own a port when they listen on it, and not when another process does', async () => {
    const server = await listening(await startServer())
    const other = await listening(await startServer())
    const { key, pid, startTime } = server

    assert.deepEqual(await call('owns', { key, pid, startTime, ip, port: server.port }), { owns: true })
    if (await mayLookInto(pid)) {
      assert.deepEqual(await call('owns', { key, pid, startTime, ip, port: other.port }), { owns: false })
      assert.deepEqual(await call('watch', { key, pid, startTime, ip, port: other.port, waitMs: 0 }), { seen: 'taken' })
    }
    const stranger = createServer()
    await new Promise<void>(done => stranger.listen(0, ip, done))
    const { port } = stranger.address() as { port: number } // listens on TCP
    assert.deepEqual(await call('owns', { key, pid, startTime, ip, port }), { owns: false })
    stranger.close()
    await Promise.all([stop(server), stop(other)])
  })

  it('print into a log that shows no tokens', async () => {
    const server = await listening(
      await startServer(['--print=GET /lab?token=abcdef1234 and Authorization: token abcdef']),
    )
    const { text } = await call('logs', { key: server.key, lines: 10 })

    assert.match(text, /token=\[hidden\] and Authorization: \[hidden\]/)
    await stop(server)
  })

  it('are refused with the reason when the program or a folder is not there', async () => {
    const commands = [['/nowhere/jupyterhub-singleuser'], [`${launcher.folder}/server.py`], [systemPython()]]
    await launcher.restart({ commands, allowedArguments: ['.*'] })

    await assert.rejects(startServer([], { command: ['/nowhere/jupyterhub-singleuser'] }), {
      code: 'command_not_found',
    })
    await assert.rejects(startServer([], { command: ['server.py'] }), { code: 'command_not_executable' })
    await assert.rejects(startServer([], { command: ['python3'], directory: 'no/such/folder' }), {
      code: 'directory_missing',
    })
    await launcher.restart()
  })

  it('are refused an environment that brings code, arguments and programs that were not allowed', async () => {
    const environment = { LD_PRELOAD: '/tmp/evil.so' }
    await assert.rejects(startServer([], { environment }), { code: 'environment_refused' })
    await assert.rejects(startServer(['--allow-root; id']), { code: 'argument_refused' })
    await assert.rejects(startServer([], { command: ['/bin/sh', '-c', 'id'] }), { code: 'command_refused' })
  })

  it('are forgotten when they are deleted for good, and not before they end', async () => {
    const server = await listening(await startServer())
    const { key } = server

    assert.deepEqual(await call('forget', { key }), { forgotten: false })
    await stop(server)
    assert.deepEqual(await call('forget', { key }), { forgotten: true })

    assert.equal((await call('logs', { key, lines: 5 })).text, '')
    assert.deepEqual(await call('poll', { key }), { running: false, exit: {} })
  })

  it('are written down in the log of the launcher without any value of their environment', async () => {
    const lines: string[] = []
    const add = (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`)
    const log: Logger = { debug: add, info: add, warn: add, error: add, child: () => log }
    await launcher.restart({ log })

    const server = await startServer([], {
      environment: { JUPYTERHUB_API_TOKEN: 'a-secret', JUPYTERHUB_SERVICE_URL: 'http://127.0.0.1:1/' },
    })
    await stop(server)
    await assert.rejects(startServer([], { environment: { LD_PRELOAD: 'a-secret' } }))
    await call('pamAuthenticate', { name: 'nobody', password: 'a-secret', service: 'other', checkAccount: true })
    await launcher.restart()

    assert.ok(lines.some(line => line.includes('server started')))
    assert.ok(!lines.join('\n').includes('a-secret'))
  })

  it('get ports that nobody else was offered', async () => {
    const offered = await Promise.all(Array.from({ length: 50 }, () => call('freePort', { ip })))
    assert.equal(new Set(offered.map(({ port }) => port)).size, 50)
  })
})

/** Root of a container without CAP_SYS_PTRACE cannot; sockets of one user's servers are then not told apart. */
async function mayLookInto(pid: number): Promise<boolean> {
  return await readdir(`/proc/${pid}/fd`).then(
    () => true,
    () => false,
  )
}
