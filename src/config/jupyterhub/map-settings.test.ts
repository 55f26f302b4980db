import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findingText } from './finding-text.ts'
import { mapSettings } from './map-settings.ts'
import { LazyChange, PythonBytes, PythonClass, PythonObject } from './python-values.ts'
import type { PythonSetting } from './run-config-file.ts'

const FILE = '/srv/jupyterhub/jupyterhub_config.py'

/** `{ 'Spawner.cmd': value }` as if each stood on a line of its own, the first on line 1. */
function settingsOf(values: Record<string, unknown>): PythonSetting[] {
  return Object.entries(values).map(([path, value], index) => {
    const section = path.split('.')
    return { section, name: section.pop()!, value, places: [{ file: FILE, line: index + 1 }] }
  })
}

const SURROUNDINGS = {
  folder: '/srv/jupyterhub',
  env: {},
  ownPython: undefined,
  findProgram: () => undefined,
  keepsDefaultFile: () => true,
}

function map(values: Record<string, unknown>, env: NodeJS.ProcessEnv = {}) {
  const mapped = mapSettings(settingsOf(values), { ...SURROUNDINGS, env })
  return { ...mapped, tree: mapped.tree as Record<string, never>, texts: mapped.findings.map(findingText) }
}

const lazy = (changes: Partial<LazyChange>) =>
  new LazyChange({ inserts: [], prepend: [], extend: [], update: null, ...changes })

describe('mapping a Python config', () => {
  it('has the sudo spawner in the place of sudospawner, which names no program of its servers', () => {
    for (const name of ['sudospawner.SudoSpawner', 'sudospawner.spawner.SudoSpawner']) {
      const { tree, findings } = map({ 'JupyterHub.spawner_class': name })

      assert.deepEqual(tree.spawner, { kind: 'sudo' })
      assert.deepEqual(findings, [])
    }
  })

  it('makes the defaults of JupyterHub explicit where those of Orrery are others', () => {
    const { tree, findings } = map({})

    assert.deepEqual(tree, {
      bindUrl: 'http://:8000',
      dbUrl: 'sqlite:////srv/jupyterhub/jupyterhub.sqlite',
      cookieSecretFile: '/srv/jupyterhub/jupyterhub_cookie_secret',
      authenticator: { kind: 'pam' },
      spawner: { kind: 'local', accounts: 'linux' },
      servers: { stopTimeout: 60 },
      services: [],
      roles: [],
    })
    assert.deepEqual(findings, [])
  })

  it('says nothing of values that are the default, and of None where None is it', () => {
    const { findings, tree } = map({
      'JupyterHub.internal_ssl': false,
      'JupyterHub.cleanup_proxy': true,
      'JupyterHub.ssl_key': '',
      'Spawner.pre_spawn_hook': null,
      'Spawner.mem_limit': null,
      'LocalProcessSpawner.popen_kwargs': {},
    })

    assert.deepEqual(findings, [])
    assert.deepEqual(tree.servers, { stopTimeout: 60 })
  })

  it('lets the special class win over the general one, whichever stands first', () => {
    const { tree, origins } = map({
      'PAMAuthenticator.allowed_users': ['ada'],
      'LocalAuthenticator.allowed_groups': ['physics'],
      'Authenticator.allowed_users': ['mallory'],
      'JupyterHub.Spawner.debug': true,
      'LocalProcessSpawner.debug': false,
    })

    assert.deepEqual(tree.access, { allowedUsers: ['ada'], allowedGroups: ['physics'] })
    assert.deepEqual(tree.servers, { stopTimeout: 60, debug: true })
    assert.equal(origins.get('access.allowedUsers'), `${FILE}, line 1: PAMAuthenticator.allowed_users`)
  })

  it('makes changes to what came before, at last to the default', () => {
    const { tree } = map({
      'Spawner.env_keep': lazy({ extend: ['LANG'] }),
      'Spawner.args': ['--a'],
      'LocalProcessSpawner.args': lazy({ extend: ['--b'], prepend: ['--first'], inserts: [[0, '--zero']] }),
      'Spawner.environment': lazy({ update: { A: '1' } }),
      'Authenticator.admin_users': lazy({ update: ['ada'] }),
    })

    assert.deepEqual(tree.servers, {
      stopTimeout: 60,
      envKeep: ['JUPYTERHUB_SINGLEUSER_APP', 'LANG'],
      args: ['--first', '--zero', '--a', '--b'],
      environment: { A: '1' },
    })
    assert.deepEqual(tree.access, { adminUsers: ['ada'] })
  })

  it('takes old names where the new one is not set', () => {
    const { tree } = map({
      'Authenticator.whitelist': ['old'],
      'LocalAuthenticator.group_whitelist': ['old-group'],
      'LocalAuthenticator.allowed_groups': ['new-group'],
      'JupyterHub.admin_users': ['root-of-old'],
      'JupyterHub.proxy_api_port': 9001,
      'JupyterHub.proxy_auth_token': 'orbit',
    })

    assert.deepEqual(tree.access, {
      allowedUsers: ['old'],
      allowedGroups: ['new-group'],
      adminUsers: ['root-of-old'],
    })
    assert.deepEqual(tree.proxy, { apiUrl: 'http://127.0.0.1:9001', authToken: 'orbit' })
  })

  for (const [values, expected] of [
    [{ bind_url: 'http://127.0.0.1:9000/jupyter/' }, { bindUrl: 'http://127.0.0.1:9000', baseUrl: '/jupyter/' }],
    [{ bind_url: 'https://:443' }, { bindUrl: 'http://:443' }],
    [
      { ip: '::1', port: 8443, base_url: '/x' },
      { bindUrl: 'http://[::1]:8443', baseUrl: '/x' },
    ],
    [{ ip: '10.0.0.1' }, { bindUrl: 'http://10.0.0.1:8000' }],
    [{ hub_ip: '0.0.0.0', hub_port: 9081 }, { hub: { bindUrl: 'http://0.0.0.0:9081' } }],
    [
      { hub_bind_url: 'http://10.0.0.2:9081/hub/', hub_connect_ip: 'hub.internal' },
      { hub: { bindUrl: 'http://10.0.0.2:9081', connectUrl: 'http://hub.internal:8081' } },
    ],
    [{ hub_connect_url: 'http://hub:1/x' }, { hub: { connectUrl: 'http://hub:1' } }],
    [{ public_url: 'jupyter.example.org/' }, { publicUrl: 'https://jupyter.example.org/' }],
    [
      { subdomain_host: 'hub.example.org', subdomain_hook: 'legacy' },
      { subdomainHost: 'https://hub.example.org', subdomainHook: 'legacy' },
    ],
    [{ db_url: '/data/hub.sqlite' }, { dbUrl: 'sqlite:////data/hub.sqlite' }],
    [{ db_url: 'sqlite:///hub.sqlite?x=1' }, { dbUrl: 'sqlite:////srv/jupyterhub/hub.sqlite?x=1' }],
    [{ db_url: 'postgresql+psycopg2://a@b/c' }, { dbUrl: 'postgresql+psycopg2://a@b/c' }],
    [{ log_level: 'DEBUG' }, { log: { level: 'debug' } }],
    [{ log_level: 50 }, { log: { level: 'error' } }],
    [{ cookie_secret: new PythonBytes('00ff') }, { cookieSecret: '00ff' }],
    [
      { load_groups: { a: ['ada'], b: { users: ['bob'] } } },
      { groups: { a: { users: ['ada'] }, b: { users: ['bob'] } } },
    ],
    [{ tornado_settings: { slow_spawn_timeout: 3 } }, {}],
  ] as const) {
    it(`takes ${JSON.stringify(values)}`, () => {
      const { tree, findings } = map(
        Object.fromEntries(Object.entries(values).map(([name, one]) => [`JupyterHub.${name}`, one])),
      )

      assert.partialDeepStrictEqual(tree, expected)
      assert.deepEqual(
        findings.filter(one => one.severity !== 'note'),
        [],
      )
    })
  }

  it('refuses a rule of subdomains that is a function, since people would get other addresses', () => {
    const { findings, tree } = map({
      'JupyterHub.subdomain_host': 'https://hub.example.org',
      'JupyterHub.subdomain_hook': new PythonObject('function', 'by_team'),
    })

    assert.equal(tree.subdomainHook, undefined)
    assert.deepEqual(
      findings.map(({ severity, setting }) => [severity, setting]),
      [['refused', 'JupyterHub.subdomain_hook']],
    )
  })

  it('takes secrets from the variables that JupyterHub takes them from, without writing them down', () => {
    const { tree } = map(
      { 'Authenticator.enable_auth_state': true },
      { JPY_COOKIE_SECRET: 'c0ffee', CONFIGPROXY_AUTH_TOKEN: 'orbit', JUPYTERHUB_CRYPT_KEY: 'a;b' },
    )

    assert.partialDeepStrictEqual(tree, {
      cookieSecret: { env: 'JPY_COOKIE_SECRET' },
      proxy: { authToken: { env: 'CONFIGPROXY_AUTH_TOKEN' } },
      authState: { enabled: true, keys: { env: 'JUPYTERHUB_CRYPT_KEY' } },
    })
    assert.equal('cookieSecretFile' in tree, false)
  })

  it('keeps new files in the data folder where the hub could not make them in the working folder', () => {
    const { tree } = mapSettings(settingsOf({}), { ...SURROUNDINGS, keepsDefaultFile: () => false })

    assert.equal('dbUrl' in tree || 'cookieSecretFile' in tree, false)
  })

  it('gives services and roles the names that they have in Orrery, and services their tokens', () => {
    const { tree, texts } = map({
      'JupyterHub.services': [
        {
          name: 'a',
          api_token: '',
          oauth_no_confirm: true,
          environment: { N: 4, F: new PythonObject('function', 'f') },
        },
        { name: 'b', url: 'http://127.0.0.1:1', oauth_roles: ['user'], command: [] },
      ],
      'JupyterHub.service_tokens': { 'token-of-b': 'b', 'token-of-x': 'x' },
      'JupyterHub.load_roles': [{ name: 'r', scopes: ['self'], users: ['ada'], description: null }],
    })

    assert.deepEqual(tree.services, [
      { name: 'a', oauthNoConfirm: true, environment: { N: '4' } },
      { name: 'b', url: 'http://127.0.0.1:1', apiToken: 'token-of-b' },
    ])
    assert.deepEqual(tree.roles, [{ name: 'r', scopes: ['self'], users: ['ada'] }])
    assert.equal(texts.length, 3)
    assert.match(texts.join('\n'), /line 1: JupyterHub\.services sets F by a function/)
    assert.match(texts.join('\n'), /JupyterHub\.services gives the service b oauth_roles/)
    assert.match(texts.join('\n'), /line 2: JupyterHub\.service_tokens names services that are not in services: x/)
    assert.doesNotMatch(texts.join('\n'), /token-of/)
  })

  it('warns of services that would miss their packages in the interpreter of the data folder', () => {
    const command = ['/data/python/bin/python', '-m', 'jupyterhub_idle_culler', '--timeout=3600']
    const settings = settingsOf({ 'JupyterHub.services': [{ name: 'idle-culler', command }] })

    const own = mapSettings(settings, { ...SURROUNDINGS, ownPython: '/data/python/bin/python' })

    assert.match(own.findings.map(findingText).join(), /the service idle-culler run by the interpreter.*or set culler/)
    assert.deepEqual(mapSettings(settings, SURROUNDINGS).findings, [])
  })

  it('takes what users choose and what groups get, where no function does it', () => {
    const { tree, texts } = map({
      'Spawner.options_form': '<input name="size">',
      'Spawner.options_from_form': 'simple',
      'Spawner.apply_user_options': { size: 'mem_limit', picture: 'image' },
      'Spawner.group_overrides': {
        gpu: { groups: ['gpu'], spawner_override: { mem_limit: '8G', environment: { GPU: '1', OLD: null } } },
      },
    })

    assert.deepEqual(tree.servers, {
      stopTimeout: 60,
      optionsForm: { html: '<input name="size">', parse: 'simple' },
      applyUserOptions: { size: 'memLimit' },
      groupOverrides: { gpu: { groups: ['gpu'], servers: { memLimit: '8G', environment: { GPU: '1', OLD: null } } } },
    })
    assert.equal(texts.length, 1)
    assert.match(texts[0]!, /apply_user_options sets image, which users cannot choose here/)
  })

  for (const [values, expected] of [
    [
      {
        'Spawner.group_overrides': {
          a: { groups: ['a'], spawner_override: { mem_limit: new PythonObject('function', 'f') } },
        },
      },
      /group_overrides sets mem_limit by the function f/,
    ],
    [{ 'JupyterHub.bind_url': 'http+unix://%2Frun%2Fx' }, /JupyterHub\.bind_url is a Unix socket/],
    [{ 'Authenticator.post_auth_hook': new PythonObject('function', 'f') }, /Authenticator\.post_auth_hook /],
    [
      { 'Authenticator.allowed_users': new PythonObject('other', 'x.Y') },
      /allowed_users is an object of the type x\.Y/,
    ],
    [{ 'Authenticator.username_pattern': '(?x) a b' }, /username_pattern has a regular expression/],
    [{ 'LocalProcessSpawner.popen_kwargs': { umask: 7 } }, /popen_kwargs has no equivalent/],
    [{ 'JupyterHub.spawner_class': 'dockerspawner.DockerSpawner' }, /spawner_class is no class that Orrery knows/],
    [
      {
        'JupyterHub.authenticator_class': new PythonClass({
          name: 'oauthenticator.github.GitHubOAuthenticator',
          given: 'github',
        }),
      },
      /authenticator_class is github, which Orrery does not have yet/,
    ],
    [
      {
        'JupyterHub.authenticator_class': new PythonClass({
          name: 'builtins.Mine',
          bases: ['jupyterhub.auth.PAMAuthenticator'],
        }),
      },
      /authenticator_class is Mine, a PAMAuthenticator with changes/,
    ],
    [
      { 'JupyterHub.authenticator_class': 'dummy', 'Authenticator.allow_all': false },
      /allow_all would not hold: dummy lets everybody in/,
    ],
    [{ 'JupyterHub.authenticator_class': 'native' }, /authenticator_class would let more people in/],
    [{ 'JupyterHub.proxy_class': 'traefik' }, /proxy_class is no class that Orrery knows/],
  ] as [Record<string, unknown>, RegExp][]) {
    it(`refuses ${Object.keys(values).join(' with ')}: ${expected.source}`, () => {
      const { findings } = map(values)

      const refused = findings.filter(one => one.severity === 'refused').map(findingText)
      assert.equal(refused.length, 1, JSON.stringify(findings))
      assert.match(refused[0]!, expected)
      assert.match(refused[0]!, /jupyterhub_config\.py, line [12]: /)
    })
  }

  it('tells of misspelled traits, and of classes that take no part', () => {
    const { texts, findings } = map({
      'Spawner.start_timeot': 3,
      'DockerSpawner.image': 'x',
      'DummyAuthenticator.password': 'x',
    })

    assert.deepEqual(
      findings.map(one => one.severity),
      ['warning', 'note', 'note'],
    )
    assert.match(texts[0]!, /Spawner\.start_timeot is no option of JupyterHub 6\. Did you mean start_timeout\?/)
    assert.match(texts[2]!, /DummyAuthenticator is not in use/)
  })

  it('leaves the settings of an unknown class to the one refusal', () => {
    const { findings } = map({
      'JupyterHub.authenticator_class': new PythonClass({
        name: 'oauthenticator.github.GitHubOAuthenticator',
        bases: ['oauthenticator.oauth2.OAuthenticator', 'jupyterhub.auth.Authenticator', 'builtins.object'],
      }),
      'GitHubOAuthenticator.client_id': 'x',
      'OAuthenticator.client_secret': 'y',
    })

    assert.deepEqual(
      findings.map(one => one.setting),
      ['JupyterHub.authenticator_class'],
    )
  })

  it('holds patterns of names against the beginning, as JupyterHub does', () => {
    const patternOf = (text: string) => {
      const { access } = mapSettings(settingsOf({ 'Authenticator.username_pattern': text }), SURROUNDINGS).tree
      return (access as { usernamePattern: string }).usernamePattern // just mapped
    }

    assert.equal(patternOf('^[a-z]+$'), '^[a-z]+$')
    assert.match('ada9', new RegExp(`^(?:${patternOf('[a-z]')})$`))
    assert.match('bx', new RegExp(`^(?:${patternOf('a$|b')})$`))
    assert.doesNotMatch('ax', new RegExp(`^(?:${patternOf('a$|b')})$`))
  })
})
