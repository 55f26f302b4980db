import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../core/runtime.ts'
import { openDatabase } from '../db/open-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-cli-'))
after(() => rmSync(folder, { recursive: true }))
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

function orrery(args: string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const env = { PATH: process.env.PATH, HOME: folder, ...options.env }
  return spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    input: options.input ?? '',
  })
}

describe('command line', () => {
  it('explains itself and its exit codes', () => {
    const help = orrery(['--help'])

    assert.equal(help.status, 0)
    assert.match(help.stdout, /Exit status:\n {3}0 {2}all went well/)
    for (const command of ['start', 'hub', 'proxy', 'launcher', 'user', 'token', 'config', 'db']) {
      assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'))
    }
  })

  for (const [args, status, said] of [
    [['strat'], 2, /unknown command 'strat'\n\(Did you mean start\?\)/],
    [['start', '--port', 'x'], 2, /--port <number>.*expected a port/],
    [['start', '--config', 'missing.ts'], 78, /orrery: There is no config file .*missing\.ts\./],
    [['user', 'list', '--data-dir', 'nowhere'], 69, /orrery: There is no database .*\n {8}/],
  ] as const) {
    it(`ends with ${status} for orrery ${args.join(' ')}`, () => {
      const ended = orrery([...args])

      assert.equal(ended.status, status)
      assert.match(ended.stderr, said)
      assert.doesNotMatch(ended.stderr, /^\s+at /m)
    })
  }

  it('prints the stack of an error with --debug alone', () => {
    assert.match(orrery(['--debug', 'config', 'check', '--config', 'missing.ts']).stderr, /^\s+at /m)
  })

  it('shows options with their origin and masks secrets', () => {
    writeFileSync(
      join(folder, 'site.json'),
      JSON.stringify({ proxy: { authToken: 'orbit-17' }, dbUrl: 'postgresql://hub:moon@db/x' }),
    )

    const shown = orrery(['config', 'show', '--config', 'site.json'], { env: { ORRERY_BASE_URL: '/jupyter' } })

    assert.equal(
      shown.stdout,
      `baseUrl = "/jupyter/"  (ORRERY_BASE_URL)\ndbUrl = "postgresql://hub:***@db/x"  (${join(folder, 'site.json')})\nproxy.authToken = "***"  (${join(folder, 'site.json')})\n`,
    )
  })
})

describe('users and tokens on the command line', () => {
  const data = ['--data-dir', join(folder, 'data')]
  const database = `sqlite:///${join(folder, 'data', 'hub', 'jupyterhub.sqlite')}`

  it('are made, listed and changed directly in the database', async () => {
    mkdirSync(join(folder, 'data', 'hub'), { recursive: true })
    await (await openDatabase(database, { log: silentLogger })).close()

    assert.equal(orrery(['user', 'add', 'Ada', '--admin', ...data]).stdout, 'Made the administrator ada.\n')
    assert.deepEqual(JSON.parse(orrery(['user', 'add', 'grace', '--json', ...data]).stdout), {
      name: 'grace',
      admin: false,
    })
    assert.equal(orrery(['user', 'add', 'grace', ...data]).status, 1)
    assert.equal(orrery(['user', 'admin', 'grace', ...data]).stdout, 'grace is an administrator now.\n')
    const users = JSON.parse(orrery(['user', 'list', '--json', ...data]).stdout)
    assert.partialDeepStrictEqual(users, [
      { name: 'ada', admin: true },
      { name: 'grace', admin: true },
    ])

    const issued = JSON.parse(
      orrery(['token', 'ada', '--expires-in', '1h', '--note', 'test', '--json', ...data]).stdout,
    )
    assert.partialDeepStrictEqual(issued, { user: 'ada' })
    assert.match(issued.token, /^[0-9a-f]{32}$/)
    assert.match(orrery(['token', 'nobody', ...data]).stderr, /There is no user nobody\./)
  })

  it('get passwords that keep the rules', () => {
    const short = orrery(['user', 'passwd', 'ada', ...data], { input: 'short\n' })
    assert.match(short.stderr, /at least 8 characters/)

    assert.equal(
      orrery(['user', 'passwd', 'ada', ...data], { input: 'two-orbits-17\n' }).stdout,
      'The password of ada was set.\n',
    )
    assert.equal(
      orrery(['user', 'passwd', 'ada', ...data], { input: 'six-moons-42\n' }).stdout,
      'The password of ada was changed.\n',
    )
  })
})
