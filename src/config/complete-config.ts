import { homedir } from 'node:os'
import { join } from 'node:path'
import type { CheckedConfig, Config } from './schema.ts'
import { speaksTls } from './speaks-tls.ts'

/** Fills in what follows from other options and from the machine. */
export function completeConfig(given: CheckedConfig, env: NodeJS.ProcessEnv): Config {
  const config = withPublicTls(given.internalTls.enabled ? withInternalTls(given) : given)
  const dataDir = config.dataDir ?? defaultDataDir(env)
  const stateDir = join(dataDir, 'hub')
  const { subdomainHost } = config
  return {
    ...config,
    dataDir,
    dbUrl: config.dbUrl ?? `sqlite:///${join(stateDir, 'jupyterhub.sqlite')}`,
    cookieSecretFile: config.cookieSecretFile ?? join(stateDir, 'jupyterhub_cookie_secret'),
    publicUrl:
      config.publicUrl ?? (subdomainHost === undefined ? guessedPublicUrl(config) : subdomainHost + config.baseUrl),
    hub: {
      ...config.hub,
      ...(subdomainHost !== undefined && { routespec: routeWithHost(config.hub.routespec) }),
      connectUrl: config.hub.connectUrl ?? reachable(config.hub.bindUrl),
    },
    internalTls: { ...config.internalTls, folder: config.internalTls.folder ?? join(stateDir, 'internal-tls') },
    access: {
      ...config.access,
      allowExistingUsers: config.access.allowExistingUsers ?? config.access.allowedUsers.length > 0,
    },
    oauth: { ...config.oauth, tokenExpiresIn: config.oauth.tokenExpiresIn ?? config.cookieMaxAgeDays * 86_400 },
  }
}

/** Addresses between the parts say `https` then, as JupyterHub has it, whatever the config says. */
function withInternalTls(config: CheckedConfig): CheckedConfig {
  const { hub, proxy, servers } = config
  const secure = <T extends string | undefined>(url: T) => (url === undefined ? url : toHttps(url)) as T
  return {
    ...config,
    hub: { ...hub, bindUrl: secure(hub.bindUrl), connectUrl: secure(hub.connectUrl) },
    proxy: { ...proxy, apiUrl: secure(proxy.apiUrl) },
    servers: { ...servers, hubConnectUrl: secure(servers.hubConnectUrl) },
  }
}

/** Browsers come by https then, whatever bindUrl says. */
function withPublicTls(config: CheckedConfig): CheckedConfig {
  return speaksTls(config.proxy.tls) ? { ...config, bindUrl: toHttps(config.bindUrl) } : config
}

/** The port stays: 80 where none is named. */
function toHttps(url: string): string {
  const [, authority = '', rest = ''] = /^http:\/\/([^/]*)(.*)$/.exec(url) ?? []
  if (authority === '') return url
  return `https://${/:\d+$/.test(authority) ? authority : `${authority}:80`}${rest}`
}

/** The hub has every host, unless a narrower route is given: `hub.example.org/hub/`, as routes with hosts are written. */
function routeWithHost(routespec = '/'): string {
  return routespec === '/' ? routespec : routespec.slice(1)
}

export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/orrery'
  return join(env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local', 'share'), 'orrery')
}

/** An address to listen on as an address to connect to: every address becomes this machine's own. */
export function reachable(bindUrl: string): string {
  const url = new URL(bindUrl.replace('//:', '//0.0.0.0:'))
  if (['0.0.0.0', '[::]'].includes(url.hostname)) url.hostname = '127.0.0.1'
  return url.href.replace(/\/$/, '')
}

/** Right for a browser on this machine only; whoever comes through another address must not be sent to it. */
export function guessedPublicUrl(config: Pick<CheckedConfig, 'bindUrl' | 'baseUrl'>): string {
  return `${reachable(config.bindUrl)}${config.baseUrl}`
}
