/**
 * What a single-user server is told when it starts: the variables that JupyterHub 6's `Spawner.get_env` writes, in its
 * order of precedence. A spawner adds what belongs to the machine (`HOME`, `USER`, `SHELL`, `PATH`).
 */
import { fillInNames } from '../core/fill-in-names.ts'
import { escapePathSegment, joinUrlPath, oauthClientId, serverPath } from '../core/names.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import { oauthCallbackUrl, type SiteAddresses, serverUrl } from '../core/subdomains.ts'
import type { BindAddress, ServerSpec, TlsFilePaths } from '../plugin/spawner.ts'

/** The site's part of the environment: the same for every server. */
export interface EnvironmentSettings extends SiteAddresses {
  /** Where servers reach the hub: `http://127.0.0.1:8081`, without a path. */
  readonly hubUrl: string
  /** Address that browsers use, without a path: `https://jupyter.example.org`. */
  readonly publicUrl?: string
  /** Extra attributes of cookies, as tornado takes them: `{"SameSite": "None", "Secure": true}`. */
  readonly cookieOptions?: { readonly [name: string]: Json }
  readonly cookieHostPrefixEnabled?: boolean
  /** Names of the hub's own variables that are passed on, and where they are read. */
  readonly envKeep?: readonly string[]
  readonly hubEnvironment?: Readonly<Record<string, string | undefined>>
  /** Wins over everything else. */
  readonly extra?: Readonly<Record<string, string>>
  /** Page that opens first: `/lab`; `{username}` is replaced. */
  readonly defaultUrl?: string
  readonly debug?: boolean
  readonly disableUserConfig?: boolean
}

/** One server's part. */
export interface ServerEnvironment {
  readonly key: ServerKey
  readonly apiToken: string
  /** Default: what JupyterHub calls it. */
  readonly oauthClientId?: string
  readonly bind: BindAddress
  /** Folder the server shows; `{username}` is replaced; empty for the default. */
  readonly notebookDir: string
  readonly limits: ServerSpec['limits']
  /** Scopes that the server may ask of people who visit it, besides access to itself. */
  readonly oauthClientAllowedScopes?: readonly string[]
  readonly guarantees?: { readonly memoryBytes?: number; readonly cpus?: number }
  /** With internal TLS; where its files lie, unless somebody else tells the server. */
  readonly tls?: { readonly files: TlsFilePaths | undefined } | undefined
}

export function serverEnvironment(site: EnvironmentSettings, server: ServerEnvironment): Record<string, string> {
  return {
    ...keptVariables(site),
    ...identity(site, server),
    ...addresses(site, server),
    ...preferences(site, server),
    ...site.extra,
  }
}

// JUPYTERHUB_BASE_URL and the like are computed; only what the administrator names is inherited.
function keptVariables({ envKeep = [], hubEnvironment = {} }: EnvironmentSettings): Record<string, string> {
  return Object.fromEntries(
    envKeep.flatMap(name => (hubEnvironment[name] === undefined ? [] : [[name, hubEnvironment[name]]])),
  )
}

function identity(
  site: EnvironmentSettings,
  { key, apiToken, oauthClientId: clientId = oauthClientId(key), oauthClientAllowedScopes = [] }: ServerEnvironment,
): Record<string, string> {
  const accessScopes = JSON.stringify([
    `access:servers!server=${key.user}/${key.server}`,
    `access:servers!user=${key.user}`,
  ])
  const cookieOptions = site.cookieOptions ?? {}
  return {
    JUPYTERHUB_API_TOKEN: apiToken,
    // Read by jupyterhub-singleuser before 0.7.2, and by scripts written since.
    JPY_API_TOKEN: apiToken,
    JUPYTERHUB_CLIENT_ID: clientId,
    ...(Object.keys(cookieOptions).length > 0 && { JUPYTERHUB_COOKIE_OPTIONS: JSON.stringify(cookieOptions) }),
    JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: site.cookieHostPrefixEnabled ? '1' : '0',
    JUPYTERHUB_OAUTH_SCOPES: accessScopes,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES: accessScopes,
    JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: JSON.stringify(oauthClientAllowedScopes),
    JUPYTERHUB_USER: key.user,
    JUPYTERHUB_SERVER_NAME: key.server,
  }
}

function addresses(site: EnvironmentSettings, { key, bind, tls }: ServerEnvironment): Record<string, string> {
  const prefix = serverPath(key, site.baseUrl)
  const apiUrl = joinUrlPath(site.hubUrl, site.baseUrl, 'hub/api')
  const ip = bind.ip.includes(':') ? `[${bind.ip}]` : bind.ip
  return {
    // Empty where the hub does not know its public address: the server then sends browsers to paths.
    JUPYTERHUB_HOST: site.publicUrl?.replace(/\/+$/, '') ?? '',
    JUPYTERHUB_OAUTH_CALLBACK_URL: oauthCallbackUrl(key, site),
    JUPYTERHUB_API_URL: apiUrl,
    JUPYTERHUB_ACTIVITY_URL: joinUrlPath(apiUrl, 'users', escapePathSegment(key.user), 'activity'),
    JUPYTERHUB_BASE_URL: site.baseUrl,
    JUPYTERHUB_SERVICE_PREFIX: prefix,
    JUPYTERHUB_SERVICE_URL: `${tls ? 'https' : 'http'}://${ip}:${bind.port}${prefix}`,
    JUPYTERHUB_PUBLIC_URL: publicUrl(site, key),
    JUPYTERHUB_PUBLIC_HUB_URL: site.publicUrl ? joinUrlPath(site.publicUrl, site.baseUrl, 'hub/') : '',
  }
}

function publicUrl(site: EnvironmentSettings, key: ServerKey): string {
  if (site.subdomains) return serverUrl(key, site)
  return site.publicUrl ? joinUrlPath(site.publicUrl, serverPath(key, site.baseUrl)) : ''
}

function preferences(
  site: EnvironmentSettings,
  { key, notebookDir, limits, guarantees = {}, tls }: ServerEnvironment,
): Record<string, string> {
  return {
    ...(limits.memoryBytes && { MEM_LIMIT: String(limits.memoryBytes) }),
    ...(guarantees.memoryBytes && { MEM_GUARANTEE: String(guarantees.memoryBytes) }),
    ...(limits.cpus && { CPU_LIMIT: cores(limits.cpus) }),
    ...(guarantees.cpus && { CPU_GUARANTEE: cores(guarantees.cpus) }),
    ...(tls?.files && tlsVariables(tls.files)),
    ...(notebookDir && { JUPYTERHUB_ROOT_DIR: fillInNames(notebookDir, key) }),
    ...(site.defaultUrl && { JUPYTERHUB_DEFAULT_URL: fillInNames(site.defaultUrl, key) }),
    ...(site.debug && { JUPYTERHUB_DEBUG: '1' }),
    ...(site.disableUserConfig && { JUPYTERHUB_DISABLE_USER_CONFIG: '1' }),
  }
}

/** Where `jupyterhub-singleuser` and JupyterHub's classes for services look for what they prove themselves with. */
export function tlsVariables({ keyFile, certFile, caFile }: TlsFilePaths): Record<string, string> {
  return {
    JUPYTERHUB_SSL_KEYFILE: keyFile,
    JUPYTERHUB_SSL_CERTFILE: certFile,
    JUPYTERHUB_SSL_CLIENT_CA: caFile,
  }
}

/** Python writes 2.0 for two cores, and so do servers' resource displays expect it. */
function cores(cpus: number): string {
  return Number.isInteger(cpus) ? cpus.toFixed(1) : String(cpus)
}
