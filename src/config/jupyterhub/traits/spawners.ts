/** The traits of spawners: of all, and of those that are known. */
import { command, environment, unitName, unitValues, unlessNone } from '../converters.ts'
import { applyUserOptions, groupOverrides } from '../server-overrides.ts'
import type { TraitTable } from '../trait-rule.ts'

const hook = (name: string) => `Write it in orrery.config.ts: hooks.${name}.`

export const spawnerTraits: TraitTable = {
  cmd: { to: 'servers.cmd', convert: command, default: ['jupyterhub-singleuser'] },
  args: { to: 'servers.args', default: [] },
  environment: { to: 'servers.environment', convert: environment, default: {} },
  env_keep: { to: 'servers.envKeep', default: ['JUPYTERHUB_SINGLEUSER_APP'] },
  default_url: { to: 'servers.defaultUrl', default: '' },
  notebook_dir: { to: 'servers.notebookDir', default: '' },
  debug: { to: 'servers.debug', default: false },
  disable_user_config: { to: 'servers.disableUserConfig', default: false, unsafe: true },
  start_timeout: { to: 'servers.startTimeout', default: 60 },
  http_timeout: { to: 'servers.httpTimeout', default: 30 },
  poll_interval: { to: 'servers.pollInterval', default: 30 },
  poll_jitter: { to: 'servers.pollJitter', default: 0.1 },
  consecutive_failure_limit: { to: 'servers.consecutiveFailureLimit', default: 0 },
  ip: { to: 'servers.ip', default: '127.0.0.1' },
  port: { to: 'servers.port', default: 0 },
  hub_connect_url: { to: 'servers.hubConnectUrl', default: null },
  mem_limit: { to: 'servers.memLimit', convert: unlessNone, default: null, unsafe: true },
  cpu_limit: { to: 'servers.cpuLimit', convert: unlessNone, default: null, unsafe: true },
  mem_guarantee: { to: 'servers.memGuarantee', convert: unlessNone, default: null },
  cpu_guarantee: { to: 'servers.cpuGuarantee', convert: unlessNone, default: null },

  server_token_scopes: { to: 'servers.tokenScopes', default: [], unsafe: true },
  oauth_client_allowed_scopes: { to: 'servers.oauthClientAllowedScopes', default: [] },
  oauth_roles: { unsupported: 'Name the scopes: servers.oauthClientAllowedScopes.', default: [] },

  options_form: { composed: '`servers.optionsForm`', default: '' },
  options_from_form: { composed: '`servers.optionsForm`', default: '' },
  apply_user_options: {
    to: 'servers.applyUserOptions',
    convert: applyUserOptions,
    default: null,
    instead: 'Write it in orrery.config.ts: servers.applyUserOptions.',
  },
  group_overrides: {
    to: 'servers.groupOverrides',
    convert: groupOverrides,
    default: {},
    unsafe: true,
    instead: 'Write it in orrery.config.ts: servers.groupOverrides.',
  },

  pre_spawn_hook: {
    to: 'hooks.preSpawn',
    default: null,
    unsafe: true,
    instead: `It may refuse a start or narrow what a server may do. ${hook('preSpawn')}`,
  },
  post_stop_hook: { to: 'hooks.postStop', default: null, instead: hook('postStop') },
  progress_ready_hook: { to: 'hooks.progressReady', default: null, instead: hook('progressReady') },
  auth_state_hook: { to: 'hooks.authState', default: null, instead: hook('authState') },

  ssl_alt_names: {
    to: 'internalTls.serverAltNames',
    instead: 'Write the names, or the function in orrery.config.ts: internalTls.serverAltNames.',
  },
  ssl_alt_names_include_local: { to: 'internalTls.serverAltNamesIncludeLocal', default: true },
}

export const localProcessTraits: TraitTable = {
  // servers.stopTimeout is what both take together.
  interrupt_timeout: { composed: '`servers.stopTimeout`', default: 30 },
  term_timeout: { composed: '`servers.stopTimeout`', default: 30 },
  kill_timeout: { ignored: 'a killed server is waited for as long as it takes', default: 5 },
  popen_kwargs: {
    unsupported: 'They may narrow what a server may do: take them out, or let servers.cmd name a script that does it.',
    default: {},
    unsafe: true,
  },
  shell_cmd: { unsupported: 'Let servers.cmd name a script that starts jupyterhub-singleuser.', default: [] },
}

export const sudoSpawnerTraits: TraitTable = {
  sudospawner_path: {
    ignored: 'sudo starts a helper of Orrery: `orrery install-sudo-helper`, option `spawner.helper`',
  },
  sudo_args: { ignored: 'sudo is called with `-n -u USER`, and the helper finds the home itself', default: ['-nH'] },
  mediator_log_level: { ignored: 'what the helper warns of stands in the log of the hub' },
}

export const simpleLocalProcessTraits: TraitTable = {
  home_dir_template: {
    unsupported:
      'Servers work in the home of the Linux user that is made for them, without root in the folder servers of the data folder.',
    default: '/tmp/{username}',
  },
}

/** jupyterhub-systemdspawner 1.0. */
export const systemdTraits: TraitTable = {
  slice: { to: 'spawner.slice', convert: unlessNone, default: null },
  unit_name_template: {
    to: 'spawner.unitName',
    convert: unitName,
    default: 'jupyter-{USERNAME}-singleuser',
    instead: 'Units are named jupyter-NAME; servers that run are known by the names that JupyterHub has stored.',
  },
  isolate_tmp: { to: 'spawner.privateTmp', default: false, unsafe: true },
  isolate_devices: { to: 'spawner.privateDevices', default: false, unsafe: true },
  disable_user_sudo: { to: 'spawner.noNewPrivileges', default: true, unsafe: true },
  readonly_paths: { to: 'spawner.readonlyPaths', convert: unitValues, default: null, unsafe: true },
  readwrite_paths: { to: 'spawner.readwritePaths', convert: unitValues, default: null },
  unit_extra_properties: { to: 'spawner.properties', convert: unitValues, default: {}, unsafe: true },
  dynamic_users: { composed: '`systemd({ accounts })`', default: false },
  username_template: {
    unsupported: 'Servers run as the Linux user of the account; map the names at sign-in: Authenticator.username_map.',
    default: '{USERNAME}',
    unsafe: true,
  },
  user_workingdir: { unsupported: 'Servers work in the home; Spawner.notebook_dir names the folder they show.' },
  extra_paths: { unsupported: 'Set PATH in Spawner.environment.', default: [] },
  default_shell: { ignored: 'it is the shell of the Linux user' },
}
