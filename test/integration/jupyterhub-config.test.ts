/** A `jupyterhub_config.py` as it is: run by the real loader, started by the real program, refused where that is safer. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT_CODES } from '../../src/cli/exit-codes.ts'
import { findRule } from '../../src/config/jupyterhub/traits/tables.ts'
import { orreryProgram, runOrrery } from '../support/ended-start.ts'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { referencePython } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const COURSE = readFileSync(join(import.meta.dirname, '../support/course_jupyterhub_config.py'), 'utf8')

describe('the hub of a course, from its jupyterhub_config.py', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess
  before(async () => {
    orrery = await startOrrery({ pythonConfig: () => COURSE, env: { COURSE_GRADER_TOKEN: 'token-of-the-grader' } })
  })
  after(() => orrery?.stop())

  const ask = async (path: string) => {
    const answer = await fetch(`${orrery.url}/hub/api${path}`, {
      headers: { authorization: 'token token-of-the-grader' },
    })
    assert.equal(answer.status, 200, path)
    return answer.json()
  }

  it('has its groups, roles and services', async () => {
    assert.partialDeepStrictEqual(await ask('/groups/students'), {
      users: ['ada', 'bob'],
      properties: { memory: '2G' },
    })
    assert.partialDeepStrictEqual(await ask('/user'), { kind: 'service', name: 'grader' })
    assert.partialDeepStrictEqual(await ask('/services/ticker'), {
      command: [referencePython(), '-c', 'import time\ntime.sleep(600)'],
    })
    assert.partialDeepStrictEqual(await ask('/users/teacher'), { admin: true })
  })

  it('lets in whom it lets in, and shows its templates', async () => {
    const [ada, eve] = [new HttpSession(orrery.url), new HttpSession(orrery.url)]

    assert.equal((await ada.signIn('ada', 'orbit-17')).status, 200)
    assert.equal((await eve.signIn('eve', 'orbit-17')).status, 403)
    assert.match(await (await ada.go('/hub/home')).text(), /Physics 101, room 2\.17/)
  })

  it('is not run again when the hub is', async () => {
    const runs = () => readFileSync(join(orrery.dataDir, 'site', 'runs.txt'), 'utf8')
    assert.equal(runs(), 'run\n')

    await orrery.killPart('hub')

    assert.equal(runs(), 'run\n')
    assert.partialDeepStrictEqual(await ask('/user'), { name: 'grader' })
  })

  it('tells what is not as before, with its line', () => {
    const line = COURSE.split('\n').findIndex(text => text.startsWith('c.Spawner.post_stop_hook')) + 1
    assert.match(orrery.output(), new RegExp(`jupyterhub_config\\.py, line ${line}: Spawner\\.post_stop_hook `))
    assert.doesNotMatch(orrery.output(), /orbit-17|token-of-the-grader/)
  })
})

describe('reading a jupyterhub_config.py', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-py-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  let count = 0
  function write(text: string): { dir: string; file: string } {
    const dir = join(folder, `at-${count++}`)
    mkdirSync(dir)
    const file = join(dir, 'jupyterhub_config.py')
    writeFileSync(file, text)
    return { dir, file }
  }
  const run = (args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) =>
    runOrrery({ args: [...args, '--python', referencePython()], cwd, env })

  /** Options in force, by path. */
  async function show(text: string, env: NodeJS.ProcessEnv = {}): Promise<Record<string, unknown>> {
    const { dir, file } = write(text)
    const { status, stdout, stderr } = await run(['config', 'show', '--json', '--config', file], dir, env)
    assert.equal(status, 0, stderr)
    const options = JSON.parse(stdout) as { path: string; value: unknown }[]
    return Object.fromEntries(options.map(({ path, value }) => [path, value]))
  }

  it('runs it as JupyterHub does: environment, subconfigs, changes to values, classes, what it prints', async () => {
    const { dir, file } = write(`
import os, sys
from pathlib import Path
from jupyterhub.auth import PAMAuthenticator
c = get_config()  # noqa
print("not among the results")
c.JupyterHub.authenticator_class = PAMAuthenticator
c.PAMAuthenticator.allowed_users = {"ada"}
c.Authenticator.allowed_users = {"mallory"}
c.Authenticator.admin_users.add("ada")
c.Spawner.env_keep.append("LANG")
c.JupyterHub.template_paths = [Path("templates")]
c.JupyterHub.active_server_limit = int(os.environ["LIMIT"])
load_subconfig("more.py")
load_subconfig("missing.py")
`)
    writeFileSync(
      join(dir, 'more.py'),
      'c.JupyterHub.services.append({"name": "x"})\nc.Authenticator.admin_users.add("bob")\n',
    )

    const { status, stdout, stderr } = await run(['config', 'show', '--json', '--config', file], dir, { LIMIT: '7' })

    assert.equal(status, 0, stderr)
    const options = JSON.parse(stdout) as { path: string; value: unknown; origin?: string }[]
    const inForce = (path: string) => options.find(one => one.path === path)?.value
    assert.partialDeepStrictEqual(inForce('authenticator'), { kind: 'pam' })
    assert.deepEqual(inForce('access.allowedUsers'), ['ada'])
    assert.deepEqual(inForce('access.adminUsers'), ['ada', 'bob'])
    assert.deepEqual(inForce('servers.envKeep'), ['JUPYTERHUB_SINGLEUSER_APP', 'LANG'])
    assert.deepEqual(inForce('pages.templatePaths'), [join(dir, 'templates')])
    assert.equal(inForce('servers.activeServerLimit'), 7)
    assert.partialDeepStrictEqual(inForce('services'), [{ name: 'x' }])
    assert.match(options.find(one => one.path === 'services')?.origin ?? '', /more\.py, line 1: JupyterHub\.services/)
    assert.match(stderr, /not among the results/)
  })

  it('finds classes by the names that packages register', async () => {
    const options = await show(
      "c.JupyterHub.authenticator_class = 'native'\nc.Authenticator.allow_all = True\nc.JupyterHub.spawner_class = 'simple'\n",
    )

    assert.partialDeepStrictEqual(options, {
      authenticator: { kind: 'own-accounts', signUp: 'approval' },
      spawner: { kind: 'local', accounts: 'made' },
    })
  })

  it('masks secrets, also those given as bytes', async () => {
    const options = await show("c.JupyterHub.cookie_secret = bytes(32)\nc.ConfigurableHTTPProxy.auth_token = 'orbit'\n")

    assert.partialDeepStrictEqual(options, { cookieSecret: '***', 'proxy.authToken': '***' })
  })

  it('says the same when it is imported first, and the import is a config that people can read', async () => {
    const { dir, file } = write(COURSE)
    const env = { COURSE_GRADER_TOKEN: 'token-of-the-grader' }
    const out = join(dir, 'orrery.config.ts')

    const imported = await run(['config', 'import', file], dir, env)
    const [direct, again] = await Promise.all(
      [file, out].map(config => run(['config', 'show', '--json', '--all', '--config', config], dir, env)),
    )

    assert.equal(imported.status, 0, imported.stderr)
    assert.match(imported.stdout, /warning: .*jupyterhub_config\.py, line \d+: Spawner\.post_stop_hook /)
    const values = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as { path: string; value: unknown }[]).map(({ path, value }) => [path, value])
    assert.deepEqual(values(again!), values(direct!))
    const source = readFileSync(out, 'utf8')
    assert.match(source, /^import \{ defineConfig, dummy, local \} from 'orrery'/)
    assert.match(source, /announcement: 'Physics 101, room 2\.17'/)
    assert.equal(statSync(out).mode & 0o777, 0o600)
    assert.equal((await run(['config', 'check'], dir)).status, 0)

    const twice = await run(['config', 'import', file], dir, env)
    assert.equal(twice.status, EXIT_CODES.cannotCreate.status)
    assert.match(twice.stderr, /is there already/)
  })

  it('imports what it can where something must be decided, and that starts nothing', async () => {
    const { dir, file } = write('c.Authenticator.post_auth_hook = print\nc.Spawner.debug = True\n')

    const imported = await run(['config', 'import', file, '--json'], dir)
    const checked = await run(['config', 'check'], dir)

    assert.equal(imported.status, EXIT_CODES.config.status)
    const { ok, findings } = JSON.parse(imported.stdout) as { ok: boolean; findings: unknown[] }
    assert.equal(ok, false)
    assert.partialDeepStrictEqual(findings, [
      { severity: 'refused', setting: 'Authenticator.post_auth_hook', places: [{ file, line: 1 }] },
    ])
    assert.equal(checked.status, EXIT_CODES.config.status)
    assert.match(checked.stderr, /decide what becomes of Authenticator\.post_auth_hook/)
  })

  it('tells the proxy alone where to listen, and its token', async () => {
    const [port, apiPort] = await freePorts(2)
    const { dir, file } = write(`c.JupyterHub.bind_url = 'http://127.0.0.1:${port}'
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:${apiPort}'
c.ConfigurableHTTPProxy.auth_token = 'orbit-17'
`)
    const args = [orreryProgram, 'proxy', '--config', file, '--python', referencePython()]
    const proxy = spawn(process.execPath, args, { cwd: dir, env: { PATH: process.env.PATH }, stdio: 'ignore' })
    try {
      const routes = (token: string) =>
        fetch(`http://127.0.0.1:${apiPort}/api/routes`, { headers: { authorization: `token ${token}` } })

      await until('the proxy answers', async () => (await routes('orbit-17')).ok)

      assert.equal((await routes('other')).status, 403)
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404)
    } finally {
      proxy.kill()
      await once(proxy, 'exit')
    }
  })

  it('refuses all that would be unsafe to leave out at once, each with its line', async () => {
    const { dir, file } = write(`from jupyterhub.auth import PAMAuthenticator
class Mine(PAMAuthenticator):
    def check_allowed(self, username, auth):
        return username.startswith("a")
c.JupyterHub.authenticator_class = Mine
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.Authenticator.post_auth_hook = lambda authenticator, handler, auth: None
c.JupyterHub.debug_db = True
`)

    const { status, stderr, stdout } = await run(['config', 'check', '--config', file], dir)

    assert.equal(status, EXIT_CODES.config.status)
    assert.equal(stdout, '')
    assert.match(stderr, /has 3 settings that Orrery cannot carry over/)
    for (const expected of [
      /line 5: JupyterHub\.authenticator_class is Mine, a PAMAuthenticator with changes/,
      /line 6: JupyterHub\.spawner_class is dockerspawner\.DockerSpawner, which Orrery does not have yet/,
      /line 7: Authenticator\.post_auth_hook/,
    ]) {
      assert.match(stderr, expected)
    }
    assert.doesNotMatch(stderr, /debug_db/)
  })

  it('tells values of a wrong type with the line that sets them', async () => {
    const { dir, file } = write('c.Spawner.start_timeout = "soon"\nc.Authenticator.allowed_users = "ada"\n')

    const { status, stderr } = await run(['config', 'check', '--config', file], dir)

    assert.equal(status, EXIT_CODES.config.status)
    assert.match(
      stderr,
      /servers\.startTimeout: expected a duration .*jupyterhub_config\.py, line 1: Spawner\.start_timeout/,
    )
    assert.match(stderr, /access\.allowedUsers: expected a list, got "ada" .*line 2/)
  })

  for (const [name, text, expected] of [
    ['a syntax error', 'c.x = 1\nc.y = = 2\n', /jupyterhub_config\.py, line 2: invalid syntax/],
    [
      'a missing module',
      '\nimport no_such_module\n',
      /line 2: ModuleNotFoundError: .*no_such_module[\s\S]*--python names/,
    ],
    ['an exception', 'c.JupyterHub.port = int("x")\n', /line 1: ValueError/],
    ['an end of the process', '\n\nimport sys\nsys.exit(3)\n', /line 4: it ends the process \(exit 3\)/],
  ] as const) {
    it(`says where ${name} is`, async () => {
      const { dir, file } = write(text)

      const { status, stderr } = await run(['config', 'check', '--config', file], dir)

      assert.equal(status, EXIT_CODES.config.status)
      assert.match(stderr, expected)
    })
  }

  it('says what it takes when the interpreter has no traitlets, or is none', async () => {
    const { dir, file } = write('')
    for (const [python, expected] of [
      ['/usr/bin/python3', /has no traitlets|The configuration is right/],
      ['/nonexistent/python', /cannot be run \(ENOENT\)/],
      ['/usr/bin/true', /gave no answer/],
    ] as const) {
      const args = ['config', 'check', '--config', file]
      const { status, stderr, stdout } = await runOrrery({ args, cwd: dir, env: { ORRERY_CONFIG_PYTHON: python } })

      assert.match(stderr + stdout, expected)
      assert.equal(status, status === 0 ? 0 : EXIT_CODES.unavailable.status)
    }
  })

  it('is not run by root when others can change it', { skip: isRoot ? false : 'takes root' }, async () => {
    const { dir, file } = write('open("was-run", "w")\n')
    chmodSync(file, 0o666)

    const { status, stderr } = await run(['config', 'check', '--config', file], dir)

    assert.equal(status, EXIT_CODES.permission.status)
    assert.match(stderr, /can be changed by others than root/)
    assert.throws(() => readFileSync(join(dir, 'was-run')), /ENOENT/)
  })
})

describe('the table of traits', () => {
  interface Trait {
    readonly class: string
    readonly name: string
    readonly default?: unknown
  }
  const program = join(import.meta.dirname, '../support/jupyterhub_traits.py')
  const { missing, traits } = JSON.parse(execFileSync(referencePython(), [program], { encoding: 'utf8' })) as {
    missing: string[]
    traits: Trait[]
  }
  const ruleOf = (trait: Trait) => findRule([trait.class === 'Application' ? 'JupyterHub' : trait.class], trait.name)

  it('has every trait of the released JupyterHub: mapped, ignored with a reason, or with advice', () => {
    assert.deepEqual(missing, [])
    assert.ok(traits.length > 200)
    assert.deepEqual(
      traits.filter(trait => ruleOf(trait) === undefined),
      [],
    )
  })

  it('has the defaults of the released JupyterHub', () => {
    const wrong = traits.filter(trait => {
      const rule = ruleOf(trait)
      if (!rule || rule.default === undefined || !('default' in trait)) return false
      return JSON.stringify(rule.default) !== JSON.stringify(trait.default)
    })
    // JupyterHub computes these two when it starts: 20, and an address.
    assert.deepEqual(
      wrong.map(trait => `${trait.class}.${trait.name}: ${JSON.stringify(trait.default)}`),
      ['Application.log_level: 30', 'ConfigurableHTTPProxy.api_url: ""'],
    )
  })
})
