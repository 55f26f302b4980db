import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { descendants } from '../../../test/support/processes.ts'
import { until } from '../../../test/support/until.ts'
import type { Logger } from '../../core/runtime.ts'
import { findEnvironment, findProcess } from '../processes/process-info.ts'
import type { Answers } from '../protocol.ts'
import { type TestLauncher, testLauncher } from '../testing.ts'
import { type FactsOfServer, madeUpEnvironment } from './testing.ts'

describe('servers that are preloaded', () => {
  let launcher: TestLauncher
  let program: string
  let packages: string
  const lines: { fields: Record<string, unknown>; message: string }[] = []
  const note = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message })
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
  const told = (message: string) => lines.filter(line => line.message === message)
  let count = 0

  before(async () => {
    launcher = await testLauncher({ log, allowedArguments: ['.*'], allowedEnvironment: ['PYTHONPATH'] })
    ;({ program, packages } = madeUpEnvironment(launcher.folder))
    await reopen()
  })
  after(() => launcher?.close())

  async function reopen(): Promise<void> {
    lines.length = 0
    await launcher.restart({ commands: [[program]], preload: 'auto' })
    await until('a preloader is there or refused', () =>
      lines.find(({ message }) => /^servers (are|of this program cannot be) preloaded$/.test(message)),
    )
  }

  async function start(flags: string[] = [], environment: Record<string, string> = {}) {
    const key = { user: 'ada', server: `p${++count}` }
    const hub = {
      JUPYTERHUB_USER: 'ada',
      JUPYTERHUB_SERVER_NAME: key.server,
      JUPYTERHUB_API_TOKEN: `secret-of-${count}`,
    }
    const started: Answers['start'] = await launcher.client.call('start', {
      ...{ key, as: 'own-account', command: [program, ...flags], directory: '', limits: {} },
      environment: { ...hub, ...environment },
    })
    const text = await until('the server has told its facts', async () => {
      const { text } = await launcher.client.call('logs', { key, lines: 50 })
      return text.includes('}') && text
    })
    const stop = { key, pid: started.pid, startTime: started.startTime, interruptMs: 0, terminateMs: 5000 }
    return { ...started, key, text, stop, facts: JSON.parse(text) as FactsOfServer }
  }
  const stop = (server: { stop: Parameters<typeof launcher.client.call<'stop'>>[1] }) =>
    launcher.client.call('stop', server.stop)

  it('are made ready when the others have begun, so that nothing waits for a processor meanwhile', async () => {
    const others = Promise.withResolvers<void>()
    lines.length = 0
    await launcher.restart({ commands: [[program]], preload: 'auto', preloadAfter: others.promise })
    const isPreloader = ({ command }: { command: readonly string[] }) => command.includes('preload')
    const before = descendants(process.pid).filter(isPreloader)

    others.resolve()
    await until('a preloader is there', () => told('servers are preloaded').length === 1)

    assert.deepEqual(before, [])
  })

  it('run the unmodified program as their user, with nothing of anybody else', async () => {
    const server = await start(['--port=1'], { JUPYTERHUB_SERVICE_URL: 'http://127.0.0.1:1/' })
    const { facts } = server

    assert.equal(facts.modules, true, 'it was not forked')
    assert.deepEqual(facts.argv, [program, '--port=1'])
    assert.equal(facts.env.JUPYTERHUB_SERVICE_URL, 'http://127.0.0.1:1/')
    assert.equal(facts.env.ORRERY_ROOM, undefined)
    assert.deepEqual([facts.cwd, facts.home], [server.home, server.home])
    const folders = ['settings', 'workspaces'].map(name => join(server.home, name))
    assert.deepEqual(facts.lab, { preloaded: true, folders })
    assert.equal(facts.tables, true)
    assert.equal(facts.uid, findProcess(server.pid)!.uid)
    assert.equal(facts.dumpable, true)
    assert.deepEqual(facts.fds, [0, 1, 2])
    if (process.getuid?.() === 0) {
      assert.notEqual(facts.uid, 0)
      assert.equal(facts.caps, '0000000000000000')
      assert.ok(!facts.groups.includes(0))
    }
    await stop(server)
  })

  it('look like themselves in lists of processes', async () => {
    const server = await start(['--port=2'])
    const words = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')
      .split('\0')
      .filter(word => word !== '')
    assert.deepEqual(words.slice(1), [program, '--port=2'])
    assert.match(words[0]!, /python/)
    assert.equal(readFileSync(`/proc/${server.pid}/comm`, 'utf8'), 'jupyterhub-sing\n')
    const environment = await findEnvironment(server.pid)
    assert.equal(environment?.get('JUPYTERHUB_SERVER_NAME'), server.key.server)
    assert.equal(environment?.get('ORRERY_ROOM'), undefined)
    await stop(server)
  })

  it('draw random numbers of their own', async () => {
    const [first, second] = [await start(), await start()]
    assert.notEqual(first.facts.random, second.facts.random)
    await Promise.all([stop(first), stop(second)])
  })

  it('end with a status of their own', async () => {
    const { key, pid, startTime } = await start(['--end'])
    await until('it has ended', async () => {
      const found = await launcher.client.call('poll', { key, pid, startTime })
      return !found.running && found.exit.status === 7
    })
  })

  it('begin from nothing where a variable would have made their modules others', async () => {
    for (const environment of [
      { THE_LANGUAGE: 'xx' },
      { PYTHONPATH: '/nowhere' },
      { JUPYTERHUB_METRICS_PREFIX: 'x' },
    ]) {
      const server = await start([], environment)
      assert.equal(server.facts.modules, false)
      const { reason } = told('server is not preloaded').at(-1)!.fields
      assert.equal(reason, `${Object.keys(environment)[0]} is set`)
      await stop(server)
    }
  })

  it('are of the packages that are installed now', async () => {
    const before = told('servers are preloaded').length
    const later = new Date(Date.now() + 60_000)
    utimesSync(packages, later, later)

    const fresh = await start()
    assert.equal(fresh.facts.modules, false)
    await until('a preloader of the new packages', () => told('servers are preloaded').length > before)
    const next = await start()
    assert.equal(next.facts.modules, true)
    await Promise.all([stop(fresh), stop(next)])
  })

  it('go on when the preloader is killed, and the next ones are started', async () => {
    const server = await start()
    const { pid } = told('servers are preloaded').at(-1)!.fields as { pid: number }
    process.kill(pid, 'SIGKILL')
    await until('its end is noticed', () => told('preloader has ended, servers go on').length > 0)

    const next = await start()
    const claim = { key: server.key, pid: server.pid, startTime: server.startTime }
    assert.deepEqual(await launcher.client.call('poll', claim), { running: true })
    await until('another preloader', () => told('servers are preloaded').at(-1)!.fields.pid !== pid)
    await Promise.all([stop(server), stop(next)])
  })

  it('import by themselves what keeps the home in a way that is not known', async () => {
    const path = join(packages, 'jupyterlab/labapp.py')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text}class NewApp: folder = os.path.expanduser("~/new")\n`)
    await reopen()

    const server = await start()
    writeFileSync(path, text)
    assert.deepEqual([server.facts.modules, server.facts.lab.preloaded], [true, false])
    assert.equal(server.facts.lab.folders[0], join(server.home, 'settings'))
    await stop(server)
    await reopen()
  })

  it('are none where it is turned off', async () => {
    await launcher.restart({ commands: [[program]], preload: 'off' })
    const server = await start()
    assert.deepEqual(server.facts.argv, [program])
    await stop(server)
    await reopen()
  })

  it('are none of an environment that does not import, or leaves a thread or a file open', async () => {
    const path = join(packages, 'heavy.py')
    const text = readFileSync(path, 'utf8')
    const faults = {
      'raise ImportError("no")': /cannot be imported/,
      'import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()': /thread/,
      'import os; kept = open("/dev/zero")': /opens \/dev\/zero/,
    }
    for (const [line, reason] of Object.entries(faults)) {
      writeFileSync(path, `${text}${line}\n`)
      await reopen()
      assert.match(String(told('servers of this program cannot be preloaded')[0]?.fields.reason), reason)
    }
    writeFileSync(path, text)
    await reopen()
    assert.equal(told('servers are preloaded').length, 1)
  })

  it('have modules that run no program of others as root', {
    skip: process.getuid?.() !== 0 && 'only root becomes another user',
  }, async () => {
    const [theirs, ours] = ['theirs', 'ours'].map(name => join(launcher.folder, name)) as [string, string]
    for (const program of [theirs, ours]) writeFileSync(program, `#!/bin/sh\ntouch ${program}.ran\n`, { mode: 0o755 })
    chownSync(theirs, 4242, 4242)
    const path = join(packages, 'heavy.py')
    const text = readFileSync(path, 'utf8')
    const run = (program: string) =>
      `try: subprocess.run(["/bin/sh", "-c", "exec ${program}"])\nexcept PermissionError: pass\n`
    writeFileSync(path, `import subprocess\n${run(theirs)}${run(ours)}${text}`)
    await reopen()
    writeFileSync(path, text)

    assert.equal(told('servers are preloaded').length, 1)
    assert.deepEqual(
      [theirs, ours].map(program => existsSync(`${program}.ran`)),
      [false, true],
    )
    await reopen()
  })

  it('are none of an environment in which somebody else than root could write', {
    skip: process.getuid?.() !== 0 && 'only root becomes another user',
  }, async () => {
    const before = statSync(packages).mode
    const evil = join(launcher.folder, 'ran')
    const path = join(packages, 'heavy.py')
    const text = readFileSync(path, 'utf8')
    // Were it run, it would leave a mark.
    writeFileSync(path, `${text}open(${JSON.stringify(evil)}, "w")\n`)
    const changes: [() => void, () => void][] = [
      [() => chmodSync(packages, 0o777), () => chmodSync(packages, before & 0o7777)],
      [() => chownSync(path, 4242, 4242), () => chownSync(path, 0, 0)],
      [() => chmodSync(path, 0o666), () => chmodSync(path, 0o644)],
    ]
    for (const [change, back] of changes) {
      rmSync(evil, { force: true })
      change()
      await reopen()
      back()
      const { reason } = told('servers of this program cannot be preloaded')[0]!.fields
      assert.match(String(reason), /belongs to somebody else|written by others/)
      assert.equal(statSync(evil, { throwIfNoEntry: false }), undefined)
    }
    writeFileSync(path, text)
    await reopen()
  })
})
