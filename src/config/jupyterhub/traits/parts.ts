/** The traits of the proxy, the crypt keeper and the metrics, which are parts of the hub. */
import { command, cryptKeys } from '../converters.ts'
import type { TraitTable } from '../trait-rule.ts'

const OWN_PROXY = 'Orrery looks after its proxy itself'

export const proxyTraits: TraitTable = {
  should_start: { composed: '`proxy.external`', default: true },
  extra_routes: {
    unsupported: 'Make it a service with a url, or a route of the web server in front of Orrery.',
    default: {},
  },
}

export const configurableHttpProxyTraits: TraitTable = {
  api_url: { to: 'proxy.apiUrl', default: 'http://127.0.0.1:8001' },
  auth_token: { to: 'proxy.authToken', default: '', unsafe: true },
  command: { to: 'proxy.command', convert: command, default: ['configurable-http-proxy'] },
  command_umask: { ignored: OWN_PROXY, default: 7 },
  check_running_interval: { ignored: OWN_PROXY, default: 5 },
  concurrency: { ignored: 'routes are changed in one go', default: 10 },
  debug: { ignored: 'log.level holds for all parts', default: false },
  log_level: { ignored: 'log.level holds for all parts', default: 'info' },
  pid_file: { ignored: OWN_PROXY, default: 'jupyterhub-proxy.pid' },
}

export const cryptKeeperTraits: TraitTable = {
  keys: { to: 'authState.keys', convert: cryptKeys, default: [] },
  n_threads: { ignored: 'a few bytes need no threads', default: 2 },
}

export const metricsTraits: TraitTable = {
  active_users_enabled: { ignored: 'the numbers are counted when they are asked for', default: true },
  active_users_update_interval: { to: 'metrics.activeUsersEvery', default: 3600 },
  event_loop_interval_enabled: { to: 'metrics.eventLoop', default: true },
  event_loop_interval_resolution: { to: 'metrics.eventLoopResolution', default: 0.05 },
  event_loop_interval_log_threshold: { to: 'metrics.eventLoopWarnAbove', default: 1 },
}
