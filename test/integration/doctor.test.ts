/** `orrery doctor` beside a real Orrery: one that is well, one of which parts are away, one that does not run. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { examine as findAll } from '../../src/doctor/examine.ts'
import { type Report, reportOf } from '../../src/features/doctor/report.ts'
import { runOrrery } from '../support/ended-start.ts'
import { freePorts } from '../support/free-ports.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { listProcesses } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0

describe('the doctor', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess
  let config: string
  before(async () => {
    orrery = await startOrrery({ config: { servers: { cmd: singleUserCommand() } } })
    config = join(orrery.dataDir, 'orrery.config.json')
  })
  after(() => orrery?.stop())

  async function examineByCommand(checks: readonly string[] = []) {
    const args = ['doctor', ...checks, '--json', '--data-dir', orrery.dataDir, '--config', config]
    const { status, stdout, stderr } = await runOrrery({ args })
    assert.equal(stderr, '')
    const report = JSON.parse(stdout) as Report
    return { status, ...report, at: (item: string) => report.findings.find(each => each.item === item) }
  }
  /** Without the start of a program for each. */
  async function examine(checks: readonly string[] = [], file = config) {
    const overrides = { dataDir: { value: orrery.dataDir, from: 'test' } }
    const findings = await findAll({
      sources: { path: file, env: {}, overrides },
      only: checks,
      env: { PATH: process.env.PATH },
    })
    const report = reportOf(findings, { version: 'test', at: new Date() })
    return { ...report, at: (item: string) => report.findings.find(each => each.item === item) }
  }
  /** Another config of the same installation. */
  function changed(change: (config: Record<string, object>) => Record<string, unknown>): string {
    const file = join(orrery.dataDir, 'changed.json')
    writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(config, 'utf8')) as Record<string, object>)))
    return file
  }
  const files = () =>
    readdirSync(join(orrery.dataDir, 'hub')).map(name => `${name} ${statSync(join(orrery.dataDir, 'hub', name)).uid}`)

  it('finds nothing wrong with one that is well, and changes nothing', async () => {
    const before = files()

    const { ok, status, findings } = await examineByCommand()

    const bad = findings.filter(
      ({ level, check, item }) => level !== 'ok' && `${check}.${item}` !== 'clock.synchronised',
    )
    // What a test starts as an ordinary user is a trial, and a full machine is none of its matter.
    const expected = isRoot ? [] : ['users']
    const own = bad.filter(({ check }) => !['disk', 'limits', 'clock'].includes(check))
    assert.deepEqual(
      own.map(({ item }) => item),
      expected,
      JSON.stringify(own),
    )
    assert.deepEqual([ok, status], [true, 0])
    for (const check of ['config', 'data-folder', 'database', 'parts', 'launcher', 'environment', 'hub-from-servers'])
      assert.ok(
        findings.some(each => each.check === check),
        check,
      )
    assert.deepEqual(files(), before)
  })

  it('tells administrators the same over the API, as the hub sees it', async () => {
    const args = ['token', 'ann', '--data-dir', orrery.dataDir, '--config', config]
    const data = ['--data-dir', orrery.dataDir, '--config', config]
    await runOrrery({ args: ['user', 'add', 'ann', '--admin', ...data] })
    const { stdout: token } = await runOrrery({ args })

    const answer = await fetch(`${orrery.url}/hub/api/orrery/doctor`, {
      method: 'POST',
      headers: { authorization: `token ${token.trim()}` },
    })
    const report = (await answer.json()) as Report

    assert.equal(answer.status, 200)
    const failures = report.findings.filter(({ level, check }) => level === 'failure' && check !== 'disk')
    assert.deepEqual(failures, [])
    const level = (item: string) => report.findings.find(each => each.item === item)?.level
    for (const item of ['reach', 'websocket', 'intact', 'answers', 'reachable', 'jupyterhub'])
      assert.equal(level(item), 'ok', item)
  })

  it('prints lines with words for people, and takes single checks', async () => {
    const args = ['doctor', 'parts', 'clock', '--data-dir', orrery.dataDir, '--config', config]

    const { status, stdout } = await runOrrery({ args })
    const unknown = await runOrrery({ args: ['doctor', 'pulse', '--data-dir', orrery.dataDir] })

    assert.equal(status, 0)
    assert.match(stdout, /^Hub and proxy \(parts\)\n {2}ok {6}orrery start runs/)
    assert.match(stdout, /\nClock \(clock\)\n/)
    assert.ok(!stdout.includes('Disk') && !stdout.includes('\u001b'))
    assert.equal(unknown.status, 2)
    assert.match(unknown.stderr, /There is no check pulse/)
  })

  it('names a file that others can read', async () => {
    const secret = join(orrery.dataDir, 'hub', 'jupyterhub_cookie_secret')
    chmodSync(secret, 0o644)

    const { status, at } = await examineByCommand(['data-folder'])
    chmodSync(secret, 0o600)

    assert.equal(status, 1)
    assert.equal(at('secrets')?.level, 'failure')
  })

  it('names a part that is away', async () => {
    const supervisor = listProcesses().find(({ pid }) => pid === orrery.part('hub')!.parent)!.pid
    const bring = async (name: 'hub' | 'launcher', checks: string[]) => {
      process.kill(supervisor, 'SIGSTOP')
      const { pid } = orrery.part(name)!
      process.kill(pid, 'SIGKILL')
      await until(`${name} is dead`, () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'))
      const found = await examine(checks)
      process.kill(supervisor, 'SIGCONT')
      await until(`${name} is back`, () => orrery.part(name) !== undefined && orrery.part(name)?.pid !== pid)
      return found
    }

    const withoutHub = await bring('hub', ['parts', 'hub-from-servers'])
    await until('the hub answers', async () => (await fetch(`${orrery.url}/hub/api/`)).ok, 30_000)
    const withoutLauncher = await bring('launcher', ['launcher'])

    assert.equal(withoutHub.at('hub')?.level, 'failure')
    assert.equal(withoutHub.at('proxy')?.level, 'ok')
    assert.equal(withoutHub.at('public-port')?.level, 'failure')
    assert.equal(withoutHub.at('reachable')?.level, 'failure')
    assert.equal(withoutLauncher.at('answers')?.level, 'failure')
    await until('the launcher answers', async () => (await examine(['launcher'])).ok, 30_000)
  })

  it('names an address of the hub that servers do not reach, and proxies that stand between', async () => {
    const [closed] = await freePorts(1)
    const elsewhere = await examine(
      ['hub-from-servers'],
      changed(given => ({
        ...given,
        servers: { ...given.servers, hubConnectUrl: `http://127.0.0.1:${closed}` },
      })),
    )
    const wrong = await examine(
      ['hub-from-servers'],
      changed(given => ({
        ...given,
        servers: { ...given.servers, hubConnectUrl: `${orrery.url}/elsewhere` },
      })),
    )
    const environment = { http_proxy: `http://127.0.0.1:${closed}` }
    const between = await examine(
      ['hub-from-servers'],
      changed(given => ({ ...given, servers: { ...given.servers, environment } })),
    )
    const spared = await examine(
      ['hub-from-servers'],
      changed(given => ({
        ...given,
        servers: { ...given.servers, environment: { ...environment, no_proxy: '127.0.0.1' } },
      })),
    )

    assert.equal(elsewhere.at('reachable')?.level, 'failure')
    assert.match(elsewhere.at('reachable')!.message, /refused/i)
    assert.equal(wrong.at('reachable')?.level, 'failure')
    assert.deepEqual([between.at('reachable')?.level, between.at('proxy-variables')?.level], ['ok', 'warning'])
    assert.equal(spared.at('proxy-variables')?.level, 'ok')
  })

  it('names a config that cannot be read, and a program that the launcher was not told of', async () => {
    const faulty = await examine(
      [],
      changed(given => ({ ...given, nonsense: true })),
    )
    const other = await examine(
      ['launcher'],
      changed(given => ({ ...given, servers: { cmd: ['/bin/false'] } })),
    )
    const token = await examine(
      ['parts'],
      changed(given => ({ ...given, proxy: { ...given.proxy, authToken: 'another' } })),
    )

    assert.deepEqual(
      faulty.findings.map(({ check, level }) => [check, level]),
      [['config', 'failure']],
    )
    assert.match(faulty.findings[0]!.message, /nonsense/)
    assert.equal(other.at('command')?.level, 'failure')
    assert.equal(token.at('proxy')?.level, 'failure')
    assert.match(token.at('proxy')!.message, /token/)
  })

  it('looks at one that does not run, and at none at all', async () => {
    await orrery.stop({ keepData: true })

    const { ok, findings, at } = await examine()
    const files = readdirSync(join(orrery.dataDir, 'hub'))

    assert.equal(ok, true, JSON.stringify(findings.filter(({ level }) => level === 'failure')))
    assert.equal(at('runs')?.level, 'skipped')
    assert.equal(at('intact')?.level, 'ok')
    assert.ok(
      !files.some(name => name.endsWith('-wal') && statSync(join(orrery.dataDir, 'hub', name)).uid === 0) || !isRoot,
    )
    const nowhere = join(orrery.dataDir, 'nowhere')
    const none = await runOrrery({ args: ['doctor', '--json', '--data-dir', nowhere] })
    assert.equal(none.status, 0)
    assert.equal(existsSync(nowhere), false)
  })
})
