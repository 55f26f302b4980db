/** The traits of JupyterHub itself, those of traitlets' Application included. */
import { authorities, cookieSecret, groups, httpsUnlessSaid, jsonRecord, logLevel, path, paths } from '../converters.ts'
import { roles, services } from '../services.ts'
import type { TraitTable } from '../trait-rule.ts'

const PROXY_KEEPS_ITS_OWN = 'Orrery looks after its proxy itself'
const LOGS = 'Lines are JSON, in the folder log of the data folder.'

export const hubTraits: TraitTable = {
  // Addresses: addresses.ts puts them together.
  bind_url: { composed: '`bindUrl`, `baseUrl`', default: 'http://:8000' },
  ip: { composed: '`bindUrl`', default: '' },
  port: { composed: '`bindUrl`', default: 8000 },
  base_url: { composed: '`baseUrl`', default: '/' },
  hub_bind_url: { composed: '`hub.bindUrl`', default: '' },
  hub_ip: { composed: '`hub.bindUrl`', default: '127.0.0.1' },
  hub_port: { composed: '`hub.bindUrl`', default: 8081 },
  hub_connect_url: { composed: '`hub.connectUrl`', default: '' },
  hub_connect_ip: { composed: '`hub.connectUrl`', default: '' },
  hub_connect_port: { composed: '`hub.connectUrl`', default: 0 },
  public_url: { composed: '`publicUrl`', default: '' },
  hub_routespec: {
    to: 'hub.routespec',
    default: '/',
    instead: 'Leave it out: the hub has every path that is no server’s.',
  },
  hub_socket_mode: { ignored: 'the hub listens on no Unix socket', default: 0o600 },
  subdomain_host: {
    to: 'subdomainHost',
    convert: httpsUnlessSaid,
    default: '',
    unsafe: true,
    instead: 'Without it all servers have one origin: take this line out to accept that.',
  },
  subdomain_hook: {
    to: 'subdomainHook',
    default: 'idna',
    unsafe: true,
    instead: "Use 'idna' or 'legacy', or write the function in orrery.config.ts.",
  },
  trusted_downstream_ips: { to: 'trustedDownstreamIps', default: [] },
  forwarded_host_header: { to: 'forwardedHostHeader', default: '', instead: 'Set publicUrl.' },
  ssl_key: { to: 'proxy.tls.key', convert: path, default: '', unsafe: true },
  ssl_cert: { to: 'proxy.tls.cert', convert: path, default: '', unsafe: true },
  confirm_no_ssl: { ignored: 'JupyterHub ignores it too', default: false },

  // Plug-ins: known-classes.ts.
  authenticator_class: { composed: '`authenticator`: pam, dummy, null, shared-password, and NativeAuthenticator' },
  spawner_class: { composed: '`spawner`: LocalProcessSpawner, SimpleLocalProcessSpawner and SystemdSpawner' },
  proxy_class: { composed: "Orrery's own proxy in the place of ConfigurableHTTPProxy" },

  // Files and the database.
  db_url: { composed: '`dbUrl`', default: 'sqlite:///jupyterhub.sqlite' },
  db_kwargs: { unsupported: 'Put what is needed into dbUrl.', default: {} },
  debug_db: { unsupported: 'Let the database log its statements.', default: false },
  reset_db: { unsupported: 'Orrery erases nothing; remove the database by hand where that is meant.', default: false },
  upgrade_db: { unsupported: 'Run: orrery db upgrade.', default: false },
  cookie_secret: { to: 'cookieSecret', convert: cookieSecret, instead: 'Write it to cookieSecretFile.' },
  cookie_secret_file: { composed: '`cookieSecretFile`', default: 'jupyterhub_cookie_secret' },
  cookie_max_age_days: { to: 'cookieMaxAgeDays', default: 14 },
  cookie_host_prefix_enabled: {
    to: 'cookies.hostPrefix',
    default: false,
    unsafe: true,
    instead: 'Take this line out to have cookies without the prefix.',
  },
  config_file: { ignored: 'it is this file', default: 'jupyterhub_config.py' },
  data_files_path: { ignored: 'Orrery has its own files' },
  pid_file: { unsupported: 'Let systemd look after Orrery (docs/how-to/run-as-a-service.md).', default: '' },
  generate_config: { ignored: 'it is a command of JupyterHub', default: false },
  answer_yes: { ignored: 'Orrery asks nothing', default: false },

  // Servers.
  allow_named_servers: { to: 'servers.allowNamedServers', default: false },
  allow_existing_invalid_named_servers: {
    to: 'servers.allowExistingInvalidNamedServers',
    default: 'allow-start',
    instead: 'Rename them in JupyterHub first.',
  },
  named_server_limit_per_user: {
    to: 'servers.namedServerLimitPerUser',
    default: 0,
    unsafe: true,
    instead: 'Write a number, or the function in orrery.config.ts: servers.namedServerLimitPerUser.',
  },
  default_server_name: { to: 'servers.defaultServerName', default: '' },
  active_server_limit: { to: 'servers.activeServerLimit', default: 0 },
  concurrent_spawn_limit: { to: 'servers.concurrentSpawnLimit', default: 100 },
  spawn_throttle_retry_range: { to: 'servers.spawnThrottleRetryRange', default: [30, 60] },
  implicit_spawn_seconds: { to: 'servers.implicitSpawnSeconds', default: 0 },
  init_spawners_timeout: {
    to: 'servers.initTimeout',
    default: 10,
    instead: 'Leave it out: the hub answers while it looks at servers.',
  },
  shutdown_on_logout: { to: 'servers.shutdownOnLogout', default: false, instead: 'Stop idle servers with culler.' },
  use_legacy_stopped_server_status_code: { to: 'servers.useLegacyStoppedServerStatusCode', default: false },
  cleanup_servers: { composed: '`orrery start --stop-servers`', default: true },
  cleanup_proxy: { unsupported: 'Let the proxy run by itself: proxy.external.', default: true },

  // Users, rights and services.
  admin_users: { composed: '`access.adminUsers`', default: [] },
  admin_access: { unsupported: 'Give a role with the scope access:servers.', default: false },
  load_groups: { to: 'groups', convert: groups, default: {} },
  load_roles: { to: 'roles', convert: roles },
  custom_scopes: {
    to: 'customScopes',
    convert: jsonRecord,
    default: {},
    instead: 'Take out the scopes and the roles that hold them.',
  },
  extra_user_scopes: { to: 'extraUserScopes', default: [], instead: 'Give the role user these scopes in roles.' },
  services: { to: 'services', convert: services },
  service_tokens: { composed: '`apiToken` in `services`', default: {} },
  api_tokens: { unsupported: 'Make tokens with orrery token, or give services their apiToken.', default: {} },
  trust_user_provided_tokens: { ignored: 'checking a token costs little here', default: false },
  service_check_interval: { ignored: 'services are watched all the time', default: 60 },
  oauth_token_expires_in: { to: 'oauth.tokenExpiresIn', default: 0 },
  oauth_require_pkce: { to: 'oauth.requirePkce', default: false },
  token_expires_in_max_seconds: { to: 'tokens.maxExpiresIn', default: 0 },
  api_page_default_limit: { to: 'api.pageDefaultLimit', default: 50 },
  api_page_max_limit: { to: 'api.pageMaxLimit', default: 200 },

  // Pages.
  default_url: {
    to: 'pages.defaultUrl',
    default: '',
    instead: 'Write the function in orrery.config.ts: pages.defaultUrl.',
  },
  redirect_to_server: { to: 'pages.redirectToServer', default: true },
  user_redirect_hook: {
    to: 'hooks.userRedirect',
    default: null,
    instead: 'Write it in orrery.config.ts: hooks.userRedirect.',
  },
  template_paths: { to: 'pages.templatePaths', convert: paths },
  template_vars: {
    to: 'pages.templateVars',
    convert: jsonRecord,
    default: {},
    instead: 'Write plain values, or the function in orrery.config.ts: pages.templateVars.',
  },
  logo_file: { to: 'pages.logoFile', convert: path, default: '' },
  jinja_environment_options: { unsupported: 'Templates are rendered by Nunjucks with fixed options.', default: {} },
  extra_handlers: { unsupported: 'Make it a service with a url.', default: [] },
  tornado_settings: { composed: '`headers`, `cookies` and others, by key', default: {} },

  // Activity, metrics, logs.
  activity_resolution: { to: 'activity.resolution', default: 30 },
  last_activity_interval: { to: 'activity.interval', default: 300 },
  active_user_window: { to: 'metrics.activeUserWindow', default: 1800 },
  authenticate_prometheus: {
    to: 'metrics.authenticate',
    default: true,
    instead: 'Give Prometheus a token whose role has the scope read:metrics.',
  },
  log_level: { to: 'log.level', convert: logLevel, default: 20 },
  log_format: { unsupported: LOGS },
  log_datefmt: { unsupported: LOGS },
  logging_config: { unsupported: LOGS, default: {} },
  extra_log_file: { unsupported: LOGS, default: '' },
  extra_log_handlers: { unsupported: LOGS, default: [] },
  show_config: { ignored: 'it is a command: orrery config show', default: false },
  show_config_json: { ignored: 'it is a command: orrery config show --json', default: false },

  // TLS between the parts.
  internal_ssl: { to: 'internalTls.enabled', default: false, unsafe: true },
  generate_certs: { ignored: 'it is a command: orrery pki prepare', default: false },
  recreate_internal_certs: {
    unsupported: 'Run orrery pki rotate, restart the servers, then run orrery pki retire.',
    default: false,
  },
  // Its default lies in the working folder, where the hub may not be allowed to write: who named it meant it.
  internal_certs_location: { to: 'internalTls.folder', convert: path },
  external_ssl_authorities: { to: 'internalTls.authorities', convert: authorities, default: {} },
  trusted_alt_names: { to: 'internalTls.trustedAltNames', default: [] },

  // Old names for the proxy's.
  proxy_api_ip: { composed: '`proxy.apiUrl`', default: '' },
  proxy_api_port: { composed: '`proxy.apiUrl`', default: 0 },
  proxy_auth_token: { composed: '`proxy.authToken`', default: '' },
  proxy_cmd: { composed: '`proxy.command`', default: [] },
  proxy_check_interval: { ignored: PROXY_KEEPS_ITS_OWN, default: 5 },
  debug_proxy: { ignored: 'log.level holds for all parts', default: false },
}

/** What `tornado_settings` may hold, by key. */
export const tornadoTraits: TraitTable = {
  headers: { to: 'headers', convert: jsonRecord, instead: 'Let the web server in front of Orrery set them.' },
  slow_spawn_timeout: { to: 'servers.slowSpawnTimeout' },
  slow_stop_timeout: { to: 'servers.slowStopTimeout' },
  xsrf_cookies: { unsupported: 'The check of _xsrf cannot be switched off; use tokens.' },
  xsrf_cookie_kwargs: { ignored: 'the cookie _xsrf has the attributes of the others' },
}

/** `tornado_settings["cookie_options"]`, by key in lower case. */
export const cookieTraits: TraitTable = {
  samesite: { to: 'cookies.sameSite', convert: value => (typeof value === 'string' ? value.toLowerCase() : value) },
  secure: { to: 'cookies.secure', unsafe: true },
  domain: { to: 'cookies.domain' },
  httponly: { ignored: 'no script reads the cookies of logins' },
  expires_days: { ignored: 'cookieMaxAgeDays says how long they live' },
}
