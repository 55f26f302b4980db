import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { faultsOf, pathText } from '../../faults.ts'
import { allOptions, authenticatorKinds, spawnerKinds } from '../../option-names.ts'
import { configSchema } from '../../schema.ts'
import { mapSettings } from '../map-settings.ts'
import type { TraitRule } from '../trait-rule.ts'
import { TRAIT_TABLES } from './tables.ts'

/** A value that says something, where the default does not lead to one. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  'JupyterHub.subdomain_host': 'https://jupyter.example.org',
  'JupyterHub.subdomain_hook': 'legacy',
  'JupyterHub.allow_existing_invalid_named_servers': 'allow-delete',
  'JupyterHub.internal_certs_location': '/srv/internal-ssl',
  'JupyterHub.external_ssl_authorities': { 'hub-ca': { cert: '/srv/ca.crt' } },
  'JupyterHub.trusted_alt_names': ['DNS:hub.internal'],
  'Spawner.ssl_alt_names': ['IP:10.0.0.5'],
  'JupyterHub.cookie_secret': 'ab'.repeat(32),
  'JupyterHub.spawn_throttle_retry_range': [10, 20],
  'tornado_settings.slow_spawn_timeout': 5,
  'tornado_settings.slow_stop_timeout': 5,
  'JupyterHub.load_groups': { physics: ['ada'], staff: { users: ['eve'], properties: { memory: '2G' } } },
  'JupyterHub.load_roles': [{ name: 'reader', scopes: ['list:users'], users: ['ada'] }],
  'JupyterHub.custom_scopes': { 'custom:reports:read': { description: 'Read reports' } },
  'JupyterHub.extra_user_scopes': ['list:users'],
  'JupyterHub.services': [{ name: 'x', url: 'http://127.0.0.1:9', api_token: 'token-of-x', oauth_no_confirm: true }],
  'JupyterHub.template_paths': ['templates'],
  'JupyterHub.template_vars': { announcement: 'Hello', n: [1] },
  'JupyterHub.log_level': 'DEBUG',
  'Authenticator.allow_existing_users': true,
  'Authenticator.username_map': { a: 'ada' },
  'Authenticator.username_pattern': '[a-z]',
  'DummyAuthenticator.password': 'orbit',
  'SharedPasswordAuthenticator.user_password': 'orbit-17',
  'SharedPasswordAuthenticator.admin_password': 'o'.repeat(32),
  'PAMAuthenticator.service': 'sshd',
  'NativeAuthenticator.minimum_password_length': 10,
  'Spawner.cmd': ['/opt/bin/jupyterhub-singleuser'],
  'Spawner.environment': { A: '1', N: 4 },
  'Spawner.env_keep': ['LANG'],
  'Spawner.poll_jitter': 0.3,
  'Spawner.ip': '0.0.0.0',
  'Spawner.port': 8888,
  'Spawner.hub_connect_url': 'http://hub.internal:8081',
  'Spawner.mem_limit': '2G',
  'Spawner.cpu_limit': 1.5,
  'Spawner.mem_guarantee': 1024,
  'Spawner.cpu_guarantee': 0.5,
  'Spawner.server_token_scopes': ['access:servers!server'],
  'Spawner.oauth_client_allowed_scopes': ['self'],
  'Spawner.group_overrides': { one: { groups: ['gpu'], spawner_override: { mem_limit: '8G' } } },
  'Spawner.apply_user_options': { size: 'mem_limit' },
  'SystemdSpawner.slice': 'class.slice',
  'SystemdSpawner.unit_name_template': 'lab-{USERNAME}',
  'SystemdSpawner.readonly_paths': ['/srv/{USERNAME}'],
  'SystemdSpawner.readwrite_paths': ['/home/{USERNAME}'],
  'SystemdSpawner.unit_extra_properties': { InaccessiblePaths: '/srv/{USERNAME}' },
  'ConfigurableHTTPProxy.api_url': 'http://127.0.0.1:9001',
  'ConfigurableHTTPProxy.auth_token': 'orbit',
  'ConfigurableHTTPProxy.command': 'configurable-http-proxy2',
  'CryptKeeper.keys': ['ab'.repeat(32)],
}

/** Functions alone can be meant: nothing to map. */
const FUNCTIONS = /_hook$/

const CLASS_NAMES: Readonly<Record<string, [trait: string, name: string]>> = {
  PAMAuthenticator: ['authenticator_class', 'pam'],
  DummyAuthenticator: ['authenticator_class', 'dummy'],
  SharedPasswordAuthenticator: ['authenticator_class', 'shared-password'],
  NativeAuthenticator: ['authenticator_class', 'native'],
  SimpleLocalProcessSpawner: ['spawner_class', 'simple'],
  SystemdSpawner: ['spawner_class', 'systemd'],
}

/** Not the same, and why that is no matter. */
const OTHER_DEFAULTS: Readonly<Record<string, string>> = {
  'SystemdSpawner.slice': 'servers have a slice of their own',
  'SystemdSpawner.unit_name_template': 'servers that run are known by the names that are stored',
  'SystemdSpawner.readonly_paths': 'None there, the same as none',
  'SystemdSpawner.readwrite_paths': 'None there, the same as none',
  'JupyterHub.log_level': 'a number there, the same level',
  'Authenticator.otp_prompt': 'the words of a label',
  'NativeAuthenticator.minimum_password_length': 'holds for new passwords alone',
  'NativeAuthenticator.check_common_password': 'holds for new passwords alone',
  'NativeAuthenticator.allowed_failed_logins': 'tries are always limited',
  'NativeAuthenticator.seconds_before_next_try': 'tries are always limited',
}

describe('tables of traits', () => {
  it('leave out what JupyterHub has by default only where Orrery has the same', () => {
    const options = [...allOptions, ...[...authenticatorKinds, ...spawnerKinds].flatMap(kind => kind.options)]
    const other = Object.entries(TRAIT_TABLES).flatMap(([section, table]) =>
      Object.entries(table).flatMap(([name, rule]) => {
        if (!('to' in rule) || rule.default === undefined) return []
        const own = options.find(option => option.path === rule.to)?.schema.safeParse(undefined).data
        return own === undefined || isDeepStrictEqual(own, rule.default) ? [] : [`${section}.${name}`]
      }),
    )

    assert.deepEqual(other.sort(), Object.keys(OTHER_DEFAULTS).sort())
  })

  for (const [section, table] of Object.entries(TRAIT_TABLES)) {
    for (const [name, rule] of Object.entries(table)) {
      const path = `${section}.${name}`
      if (!('to' in rule) || (FUNCTIONS.test(path) && !(path in SAMPLES))) continue
      it(`${path} becomes ${rule.to}`, () => {
        const { tree, findings, origins } = mapSample(section, name, rule)

        const told = findings.filter(one => one.setting === path)
        if (told.length > 0) return assert.match(told[0]!.message, /has no equivalent yet/)
        assert.match(origins.get(rule.to) ?? '', /jupyterhub_config\.py, line 1/)
        const { error } = configSchema.safeParse(tree, { reportInput: true })
        const faults = faultsOf(error?.issues ?? [], tree).filter(fault => pathText(fault.path).startsWith(rule.to))
        assert.deepEqual(faults, [])
      })
    }
  }
})

function mapSample(section: string, name: string, rule: TraitRule) {
  const places = [{ file: '/srv/jupyterhub_config.py', line: 1 }]
  const [trait, short] = CLASS_NAMES[section] ?? []
  const value = SAMPLES[`${section}.${name}`] ?? otherThan(rule.default)
  return mapSettings(
    [
      { section: [section], name, value, places },
      ...(trait ? [{ section: ['JupyterHub'], name: trait, value: short, places }] : []),
    ],
    { folder: '/srv', env: {}, ownPython: undefined, findProgram: () => undefined, keepsDefaultFile: () => true },
  )
}

function otherThan(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return `${value}x`
  if (Array.isArray(value)) return ['x']
  return { x: 'y' }
}
