/** What waits for a start, as its user, on real sudo. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import type { Logger } from '../../core/runtime.ts'
import { sudoCheck } from '../../doctor/checks/sudo.ts'
import { levels, siteFor } from '../../doctor/testing.ts'
import { type FactsOfServer, madeUpEnvironment } from '../../launcher/forking/testing.ts'
import { findProcess } from '../../launcher/processes/process-info.ts'
import type { Answers } from '../../launcher/protocol.ts'
import { cannotSudo, type SudoSite, sudoSite } from './testing.ts'

type Waiting = Extract<Answers['prepare'], { state: 'waiting' }>

describe('a start under sudo that was prepared', { skip: cannotSudo }, () => {
  let site: SudoSite
  let alice: string
  let program: string
  let packages: string
  let launcher: ReturnType<SudoSite['launcher']>
  /** While this file is there, modules are not done with being imported. */
  let hold: string
  let isInstalled = false
  let count = 0
  const lines: { fields: Record<string, unknown>; message: string }[] = []
  const note = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message })
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log }
  const running: { key: { user: string; server: string }; pid: number; startTime: string }[] = []

  before(async () => {
    site = await sudoSite()
    alice = site.users.name('alice')
    ;({ program, packages } = madeUpEnvironment(site.folder))
    hold = join(site.folder, 'hold')
    const wait = `\nimport time\nwhile os.path.exists(${JSON.stringify(hold)}): time.sleep(0.02)\n`
    writeFileSync(join(packages, 'heavy.py'), readFileSync(join(packages, 'heavy.py'), 'utf8') + wait)
  })
  after(() => site?.close())
  beforeEach(() => {
    if (!isInstalled) install()
    isInstalled = true
    lines.length = 0
    launcher = site.launcher(log)
  })
  afterEach(async () => {
    rmSync(hold, { force: true })
    for (const server of running.splice(0)) {
      await launcher.call('stop', { ...server, interruptMs: 0, terminateMs: 5000 })
    }
    for (const pid of site.remains().map(text => Number.parseInt(text, 10))) await site.asRoot(`kill -KILL ${pid}`)
    await until('nothing remains', () => site.remains().length === 0)
  })

  const install = (changes: Parameters<SudoSite['install']>[0] = {}) => {
    isInstalled = false
    site.install({ permits: { commands: [[program]], arguments: ['--end'], environment: [] }, ...changes })
  }
  const prepare = (command = [program]) => launcher.call('prepare', { key: { user: alice, server: '' }, command })
  const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  const hasEnded = (pid: number) => findProcess(pid)?.ended ?? true
  const reasons = () =>
    lines.filter(({ message }) => message === 'server is not preloaded').map(line => line.fields.reason)

  async function prepared(): Promise<Waiting> {
    const answer = await prepare()
    assert.equal(answer.state, 'waiting')
    return answer as Waiting // just looked at
  }

  async function launch(command = [program], environment: Record<string, string> = {}) {
    const key = { user: alice, server: `p${++count}` }
    const { pid, startTime } = await launcher.call('start', {
      ...{ key, as: 'linux-user', command, directory: '', limits: {} },
      environment: { JUPYTERHUB_USER: alice, JUPYTERHUB_API_TOKEN: `secret-of-${count}`, ...environment },
    })
    const claim = { key, pid, startTime }
    running.push(claim)
    // Before its parent may have ended.
    return { claim, pid, parent: findProcess(pid)?.parent }
  }

  async function start() {
    const server = await launch()
    return { ...server, facts: await factsOf(server) }
  }

  async function factsOf({ claim }: Awaited<ReturnType<typeof launch>>): Promise<FactsOfServer> {
    const text = await until('the server has told its facts', async () => {
      const { text } = await launcher.call('logs', { key: claim.key, lines: 50 })
      return text.includes('}') && text
    })
    return JSON.parse(text) as FactsOfServer // written by madeUpEnvironment
  }

  const poll = ({ claim }: Awaited<ReturnType<typeof launch>>) => launcher.call('poll', claim)
  const packagesChange = () => {
    const later = new Date(Date.now() + ++count * 60_000)
    utimesSync(packages, later, later)
  }

  it('forks from a process of its user, which is small from then on and tells how the server ended', async () => {
    const { pid } = await prepared()
    assert.equal(nameOf(pid), 'orrery-preload')
    assert.deepEqual(await site.launcher().call('prepare', { key: { user: alice, server: '' }, command: [program] }), {
      ...{ state: 'waiting', pid, startTime: findProcess(pid)?.startTime },
    })

    const server = await start()
    assert.equal(server.parent, pid)
    assert.equal(server.facts.modules, true)
    assert.equal(server.facts.uid, findProcess(pid)?.uid)
    assert.equal(server.facts.home, `/home/${alice}`)
    assert.deepEqual(server.facts.fds, [0, 1, 2])
    await until('its parent has let go what it has imported', () => nameOf(pid).startsWith('python'))
    assert.deepEqual(reasons(), [])

    await site.asRoot(`kill -TERM ${server.pid}`)
    await until('both have ended', () => hasEnded(server.pid) && hasEnded(pid))
    assert.deepEqual(await poll(server), { running: false, exit: { signal: 'SIGTERM' } })
  })

  it('forks also where nothing was prepared, since it is known what to import', async () => {
    const server = await start()

    assert.equal(server.facts.modules, true)
    assert.deepEqual(reasons(), [])
    await until('its parent has let go what it has imported', () => nameOf(server.parent!).startsWith('python'))
    packagesChange()
    isInstalled = false
    assert.equal((await start()).facts.modules, false)
    assert.deepEqual(reasons(), ['what to import is not known yet'])
  })

  it('is looked at by orrery doctor, which tells when packages have changed', async () => {
    await using doctor = await siteFor({ spawner: { kind: 'sudo', helper: site.helper } })
    const outcomes = async () => levels(await doctor.run(sudoCheck, { isRoot: true }))

    assert.partialDeepStrictEqual(await outcomes(), { preloading: 'ok' })
    packagesChange()
    isInstalled = false
    assert.partialDeepStrictEqual(await outcomes(), { preloading: 'warning' })
  })

  it('takes the end of a server that ends at once, too', async () => {
    await prepared()
    const server = await launch([program, '--end'])

    await until('its status is told', async () => {
      const found = await poll(server)
      return !found.running && found.exit.status === 7
    })
  })

  it('is prepared anew after it was used, and ends by itself when nobody comes', async () => {
    install({ preloaderSeconds: 1 })
    const first = await prepared()
    await start()
    const second = await prepared()
    assert.notEqual(second.pid, first.pid)

    await until('it has ended', () => hasEnded(second.pid))
    const third = await prepared()
    assert.notEqual(third.pid, second.pid, 'and that is no fault of it')
  })

  it('begins from nothing when packages have changed, and the next one is of the new ones', async () => {
    const { pid } = await prepared()
    packagesChange()

    const server = await start()
    assert.equal(server.facts.modules, false)
    await until('what was prepared has ended', () => hasEnded(pid))
    await prepared()
    assert.equal((await start()).facts.modules, true)
  })

  it('does not wait until it is found out what to import', async () => {
    packagesChange()
    writeFileSync(hold, '')
    const preparing = prepare()
    await until('it has begun', () => statSync(recordOf(alice), { throwIfNoEntry: false }))

    const server = await launch()

    assert.deepEqual(reasons(), ['what was prepared had only begun'])
    const { pid } = (await preparing) as Waiting // it has begun
    await until('what was prepared has ended', () => hasEnded(pid))
    rmSync(hold)
    assert.equal((await factsOf(server)).modules, false)
  })

  it('waits for what is being imported already', async () => {
    await prepared()
    await start()
    writeFileSync(hold, '')
    const preparing = prepare()
    await until('it takes connections', () => statSync(socketOf(alice), { throwIfNoEntry: false }))

    const launching = launch()
    const { pid } = (await preparing) as Waiting // it has begun
    assert.equal(hasEnded(pid), false)
    rmSync(hold)
    const server = await launching

    assert.equal(server.parent, pid)
    assert.equal((await factsOf(server)).modules, true)
  })

  it('does without what was killed, or is of another program', async () => {
    const { pid } = await prepared()
    await site.asRoot(`kill -KILL ${pid}`)
    await until('it has ended', () => hasEnded(pid))
    assert.notEqual((await start()).parent, pid)

    install({ permits: { commands: [[program], site.command], arguments: [], environment: [] } })
    const other = await prepared()
    await launch([...site.command], { JUPYTERHUB_SERVICE_URL: 'http://127.0.0.1:1/' })
    await until('it has ended', () => hasEnded(other.pid))
    assert.deepEqual(reasons(), ['another program was prepared'])
  })

  it('is not tried again and again in an environment that cannot be imported', async () => {
    const path = join(packages, 'jupyter_server/serverapp.py')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, 'raise ImportError("no")')
    const { pid } = await prepared()
    await until('it has ended', () => hasEnded(pid))

    const answer = await site.launcher().call('prepare', { key: { user: alice, server: '' }, command: [program] })

    writeFileSync(path, text)
    const later = new Date(Date.now() + ++count * 60_000)
    utimesSync(join(packages, '../..'), later, later) // where an environment that does not start is looked at
    assert.partialDeepStrictEqual(answer, { state: 'impossible' })
    assert.match(String((answer as { reason: string }).reason), /ImportError: no|cannot be imported/)
    launcher = site.launcher(log)
    await prepared()
  })

  it('is nobody else’s to reach, and of no program but those that were installed', async () => {
    await prepared()
    const path = socketOf(alice)
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
    const connect = `import socket; socket.socket(socket.AF_UNIX).connect("${path}")`
    assert.notEqual(await site.asRoot(`setpriv --reuid=65534 --regid=65534 --clear-groups python3 -c '${connect}'`), 0)

    const other = site.launcher(log)
    const refused = await other.call('prepare', { key: { user: alice, server: '' }, command: ['/bin/sh'] })
    assert.partialDeepStrictEqual(refused, { state: 'impossible' })
    install({ preload: 'off' })
    const off = await site.launcher(log).call('prepare', { key: { user: alice, server: '' }, command: [program] })
    assert.partialDeepStrictEqual(off, { state: 'impossible' })
  })
})

const folderOf = (user: string) => `/home/${user}/.local/state/orrery/preloader`
const socketOf = (user: string) => join(folderOf(user), 'socket')
const recordOf = (user: string) => join(folderOf(user), 'process.json')
