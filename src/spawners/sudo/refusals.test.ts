import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { sudoCheck } from '../../doctor/checks/sudo.ts'
import { levels, siteFor } from '../../doctor/testing.ts'
import { findProcess } from '../../launcher/processes/process-info.ts'
import { PROTOCOL_VERSION } from '../../launcher/protocol.ts'
import { cannotSudo, type SudoSite, sudoSite } from './testing.ts'

describe('the helper of sudo', { skip: cannotSudo }, () => {
  let site: SudoSite
  let alice: string
  before(async () => {
    site = await sudoSite()
    alice = site.users.name('alice')
  })
  after(() => site?.close())
  beforeEach(() => {
    site.writeRule({ users: [alice] })
    site.install()
  })

  const poll = (user: string) => site.launcher().call('poll', { key: { user, server: '' } })
  const start = (changes: { command?: string[]; environment?: Record<string, string> } = {}) =>
    site.launcher().call('start', {
      key: { user: alice, server: '' },
      as: 'linux-user',
      command: [...site.command],
      environment: { JUPYTERHUB_SERVICE_URL: 'http://127.0.0.1:1/' },
      directory: '',
      limits: {},
      guarantees: {},
      ...changes,
    })
  const home = () => `/home/${alice}`
  /** As the hub's user, with this environment. */
  const asHub = (words: readonly string[], env: Record<string, string> = {}) => {
    const { uid, gid } = site.hubUser
    const [program = '', ...args] = words
    return spawnSync(program, args, { uid, gid, input: '', cwd: '/', env: { PATH: '/usr/bin:/bin', ...env } })
  }
  /** What a helper answers; its input stays open until then, as the hub keeps it. */
  async function answerOf(words: readonly string[], asked: object, owner: object, env: Record<string, string> = {}) {
    const [program = '', ...args] = words
    const child = spawn(program, args, {
      ...owner,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.write(`${JSON.stringify({ v: PROTOCOL_VERSION, id: 1, request: asked })}\n`)
    const [line] = await once(child.stdout, 'data')
    child.stdin.end()
    await once(child, 'close')
    return JSON.parse(String(line)) as object
  }
  const hub = () => ({ uid: site.hubUser.uid, gid: site.hubUser.gid })

  it('is started for the users of the rule, and for nobody else', async () => {
    assert.deepEqual(await poll(alice), { running: false, exit: {} })
    await assert.rejects(poll(site.users.name('bob')), { code: 'sudo_refused' })
    await assert.rejects(poll('root'), { code: 'sudo_refused' })
    await assert.rejects(poll(site.hubUser.name), { code: 'sudo_refused' })
    await assert.rejects(poll('nobody-of-this-name'), { code: 'linux_user_missing' })
    for (const name of ['#0', '-u', 'root ', '%root', '../root', '$(id)']) {
      await assert.rejects(poll(name), { code: 'linux_user_missing' }, name)
    }
    rmSync(site.sudoersPath)
    await assert.rejects(poll(alice), { code: 'sudo_refused' })
  })

  it('is the only thing that the rule lets the hub run', () => {
    const sudo = ['sudo', '-n', '-u', alice]
    assert.notEqual(asHub([...sudo, '--', '/bin/sh', '-c', 'true']).status, 0)
    assert.notEqual(asHub([...sudo, '--', site.helper, '--help']).status, 0)
    assert.notEqual(asHub([...sudo, '-s']).status, 0)
    assert.notEqual(asHub(['sudo', '-n', '--', site.helper]).status, 0)
    assert.equal(asHub([...sudo, '--', site.helper]).status, 0)
  })

  it('takes nothing of the environment that it is started with', async () => {
    const evil = join(site.folder, 'evil.cjs')
    const proof = join(site.folder, 'was-here')
    writeFileSync(evil, `require('node:fs').writeFileSync(${JSON.stringify(proof)}, '')`)
    writeFileSync(join(site.folder, 'evil.sh'), `touch ${proof}`)
    const env = {
      NODE_OPTIONS: `--require ${evil}`,
      NODE_PATH: site.folder,
      LD_PRELOAD: '/nowhere/evil.so',
      BASH_ENV: join(site.folder, 'evil.sh'),
      ENV: join(site.folder, 'evil.sh'),
      PYTHONPATH: site.folder,
      PYTHONSTARTUP: evil,
      HOME: site.folder,
      XDG_STATE_HOME: site.folder,
    }

    const answer = await answerOf(['sudo', '-n', '-u', alice, '--', site.helper], { op: 'hello' }, hub(), env)
    const set = asHub(['sudo', '-n', '-u', alice, `NODE_OPTIONS=${env.NODE_OPTIONS}`, '--', site.helper])
    const kept = asHub(['sudo', '-n', '-E', '-u', alice, '--', site.helper], env)

    assert.partialDeepStrictEqual(answer, { id: 1, ok: true, result: { separateUsers: true } })
    assert.notEqual(set.status, 0)
    assert.notEqual(kept.status, 0)
    assert.equal(existsSync(proof), false)
  })

  it('starts nothing as root, whatever sudoers says', async () => {
    const answer = await answerOf([site.helper], { op: 'poll', key: { user: 'root', server: '' } }, {})

    assert.partialDeepStrictEqual(answer, { ok: false, error: { code: 'root_refused' } })
  })

  it('serves its own user alone', async () => {
    const asked = { op: 'start', key: { user: site.users.name('bob'), server: '' }, as: 'linux-user' }
    const rest = { command: site.command, environment: {}, directory: '', limits: {}, guarantees: {} }
    const answer = await answerOf(['sudo', '-n', '-u', alice, '--', site.helper], { ...asked, ...rest }, hub())

    assert.partialDeepStrictEqual(answer, { ok: false, error: { code: 'run_as_refused' } })
    await until('nothing remains', () => site.remains().length === 0)
  })

  it('runs no command and sets no variable but those it was installed with', async () => {
    const nextStep = /install-sudo-helper/
    await assert.rejects(start({ command: ['/bin/sh', '-c', 'id'] }), { code: 'command_refused', nextStep })
    await assert.rejects(start({ command: [...site.command, '--evil'] }), { code: 'argument_refused', nextStep })
    await assert.rejects(start({ environment: { LD_PRELOAD: '/x.so' } }), { code: 'environment_refused', nextStep })
    await until('nothing remains', () => site.remains().length === 0)
  })

  it('is not trusted when others could have changed it, and not when it is of another version', async () => {
    const change = (command: string) => execFileSync('sh', ['-c', command, 'sh', site.helper])
    const refusedAfter = async (command: string, code: string) => {
      site.install()
      change(command)
      await assert.rejects(poll(alice), { code, nextStep: /install-sudo-helper/ })
    }
    await refusedAfter('chmod g+w "$1"', 'sudo_helper_unsafe')
    await refusedAfter('chmod o+w "$1.json"', 'sudo_helper_unsafe')
    await refusedAfter(`chown ${site.hubUser.uid} "$1.json"`, 'sudo_helper_unsafe')
    await refusedAfter('echo {} >"$1.json"', 'sudo_helper_unsafe')
    await refusedAfter(`sed -i 's/"protocol": [0-9]*/"protocol": 1/' "$1.json"`, 'sudo_helper_outdated')
    await refusedAfter('rm "$1"', 'sudo_helper_missing')
  })

  it('is not installed for programs that others could change', () => {
    const program = join(site.folder, 'server.sh')
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
    execFileSync('chown', [String(site.hubUser.uid), program])
    const permits = { commands: [[program]], arguments: [], environment: [] }

    assert.throws(() => site.install({ permits }), { code: 'command_unsafe' })
  })

  it('may say what it likes and is believed as little as its user', async () => {
    const own = findProcess(process.pid)!
    const lie = (result: unknown) => {
      const line = JSON.stringify({ id: 1, ok: true, result })
      writeFileSync(site.helper, `#!/bin/sh\nread line\nprintf '%s\\n' '${line}'\n`, { mode: 0o755 })
    }
    const { startTime, pid } = own

    lie({ pid, startTime, linuxUser: alice, home: '/', warnings: [] })
    await start()
    lie({ running: false, exit: {} })
    const claim = { key: { user: alice, server: '' }, pid, startTime }
    assert.deepEqual(await site.launcher().call('poll', claim), { running: false, exit: {} })
    lie({ pid: 'x' })
    await assert.rejects(start(), { code: 'sudo_helper_failed' })
    writeFileSync(site.helper, '#!/bin/sh\nread line\necho null\n')
    await assert.rejects(poll(alice), { code: 'sudo_helper_failed' })
  })

  it('tells that there is no home, or none of the user', async () => {
    renameSync(home(), `${home()}.away`)
    await assert.rejects(poll(alice), { code: 'home_missing' })
    renameSync(`${home()}.away`, home())
    execFileSync('chmod', ['500', home()])
    await assert.rejects(poll(alice), { code: 'home_not_writable' })
    execFileSync('chmod', ['700', home()])
  })

  it('keeps nothing in a folder of somebody else that is linked in the place of its own', async () => {
    const state = join(home(), '.local/state/orrery')
    rmSync(state, { recursive: true, force: true })
    symlinkSync(site.folder, state)

    await assert.rejects(start(), { code: 'folder_unsafe' })

    rmSync(state)
  })

  it('is tried by orrery doctor, which names what is wrong', async () => {
    await using doctor = await siteFor({ spawner: { kind: 'sudo', helper: site.helper } })
    const outcomes = async (user?: string) => levels(await doctor.run(sudoCheck, { user, isRoot: true }))

    assert.deepEqual(await outcomes(alice), { helper: 'ok', program: 'ok', rule: 'ok', answers: 'ok' })
    assert.deepEqual(await outcomes(), { helper: 'ok', program: 'ok', rule: 'skipped' })
    const bob = site.users.name('bob')
    assert.deepEqual(await outcomes(bob), { helper: 'ok', program: 'ok', rule: 'failure', answers: 'failure' })
    execFileSync('chmod', ['500', home()])
    assert.deepEqual(await outcomes(alice), { helper: 'ok', program: 'ok', rule: 'ok', answers: 'failure' })
    execFileSync('chmod', ['700', home()])
    execFileSync('chmod', ['g+w', site.helper])
    assert.deepEqual(await outcomes(alice), { helper: 'failure' })
  })
})
