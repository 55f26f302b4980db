/** What single parts of the hub are given of the config: seconds become milliseconds, sections become options. */
import type { CookieAttributes } from '../../access/cookie-header.ts'
import { guessedPublicUrl } from '../../config/complete-config.ts'
import type { Config } from '../../config/schema.ts'
import { defaultRoles } from '../../core/scopes/default-roles.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import type { ThrottleLimits } from '../../features/sign-in/throttle.ts'
import type { PageLimits } from '../../http/pagination.ts'
import type { PageSettings } from '../../pages/deps.ts'
import type { RendererOptions } from '../../pages/render.ts'
import type { CullerSettings } from '../../services/culler/context.ts'
import type { ServiceSite } from '../../services/service-environment.ts'
import type { SiteEnvironment, SpawningSettings } from '../../spawning/context.ts'

export function environmentSettings(config: Config, env: NodeJS.ProcessEnv, subdomains?: Subdomains): SiteEnvironment {
  const { servers } = config
  return {
    baseUrl: config.baseUrl,
    subdomains,
    hubUrl: (servers.hubConnectUrl ?? config.hub.connectUrl).replace(/\/+$/, ''),
    // Servers send browsers to the hub's public address; where it is only guessed, paths lead there from any address.
    ...((subdomains || config.publicUrl !== guessedPublicUrl(config)) && {
      publicUrl: new URL(config.publicUrl).origin,
    }),
    cookieHostPrefixEnabled: config.cookies.hostPrefix,
    cookieOptions: tornadoCookieOptions(config.cookies),
    envKeep: servers.envKeep,
    hubEnvironment: env,
    extra: servers.environment,
    defaultUrl: servers.defaultUrl,
    debug: servers.debug,
    disableUserConfig: servers.disableUserConfig,
  }
}

/** Empty texts and undefined members would be taken for choices. */
export function cookieOverrides({
  sameSite,
  secure,
  domain,
}: Config['cookies']): Pick<CookieAttributes, 'sameSite' | 'secure' | 'domain'> {
  // Browsers take SameSite=None from Secure cookies alone.
  const isSecure = secure ?? (sameSite === 'none' ? true : undefined)
  return {
    ...(sameSite !== undefined && { sameSite }),
    ...(isSecure !== undefined && { secure: isSecure }),
    ...(domain !== undefined && { domain }),
  }
}

/** The same as `jupyterhub-singleuser` wants it in `JUPYTERHUB_COOKIE_OPTIONS`. */
function tornadoCookieOptions(cookies: Config['cookies']): Record<string, string | boolean> {
  const { sameSite, secure, domain } = cookieOverrides(cookies)
  return {
    ...(sameSite !== undefined && { SameSite: capital(sameSite) }),
    ...(secure !== undefined && { Secure: secure }),
    ...(domain !== undefined && { Domain: domain }),
  }
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

export function serviceSite(config: Config, env: NodeJS.ProcessEnv, subdomains?: Subdomains): ServiceSite {
  const { baseUrl, publicUrl } = environmentSettings(config, env, subdomains)
  const hubUrl = config.hub.connectUrl
  return { baseUrl, subdomains, hubUrl, ...(publicUrl !== undefined && { publicUrl }), hubEnvironment: env }
}

export function spawningSettings(servers: Config['servers']): SpawningSettings {
  return {
    command: servers.cmd ?? ['jupyterhub-singleuser'],
    args: servers.args,
    notebookDir: servers.notebookDir,
    serverTokenScopes: servers.tokenScopes,
    oauthClientAllowedScopes: servers.oauthClientAllowedScopes,
    limits: {
      ...(servers.memLimit !== undefined && { memoryBytes: servers.memLimit }),
      ...(servers.cpuLimit !== undefined && { cpus: servers.cpuLimit }),
      ...(servers.taskLimit !== undefined && { tasks: servers.taskLimit }),
      ...(servers.fileSizeLimit !== undefined && { fileBytes: servers.fileSizeLimit }),
    },
    guarantees: {
      ...(servers.memGuarantee !== undefined && { memoryBytes: servers.memGuarantee }),
      ...(servers.cpuGuarantee !== undefined && { cpus: servers.cpuGuarantee }),
    },
    listen: { ...(servers.ip !== undefined && { ip: servers.ip }), ...(servers.port !== 0 && { port: servers.port }) },
    startTimeoutMs: servers.startTimeout * 1000,
    httpTimeoutMs: servers.httpTimeout * 1000,
    stopTimeoutMs: servers.stopTimeout * 1000,
    pollIntervalMs: servers.pollInterval * 1000,
    pollJitter: servers.pollJitter,
    concurrentSpawnLimit: servers.concurrentSpawnLimit,
    retryAfterSeconds: servers.spawnThrottleRetryRange,
    activeServerLimit: servers.activeServerLimit,
    allowNamedServers: servers.allowNamedServers,
    namedServerLimit: servers.namedServerLimitPerUser,
    allowInvalidNamedServerStart: servers.allowExistingInvalidNamedServers === 'allow-start',
    consecutiveFailureLimit: servers.consecutiveFailureLimit,
  }
}

export function cullerSettings({ culler, activity }: Config): CullerSettings {
  // The proxy has been asked by then, and servers, which tell of activity every five minutes, have been heard.
  return { ...culler, trustHubAfter: Math.max(activity.interval, SERVERS_TELL_SECONDS) * 1.5 }
}

/** JUPYTERHUB_ACTIVITY_INTERVAL of single-user servers. */
const SERVERS_TELL_SECONDS = 300

export function pageLimits({ api }: Config): PageLimits {
  return { defaultLimit: Math.min(api.pageDefaultLimit, api.pageMaxLimit), maxLimit: api.pageMaxLimit }
}

/** What the authenticator decides of users besides their names. */
export function managedByAuthenticator({ access, authenticator, roles }: Config, managedRoles: readonly string[]) {
  const byPam = 'kind' in authenticator && authenticator.kind === 'pam' && authenticator.manageGroups
  const keep = new Set([...defaultRoles, ...(roles ?? [])].map(role => role.name).concat(managedRoles))
  return {
    manageGroups: access.manageGroups || byPam,
    ...(access.manageRoles && { manageRoles: { keep } }),
  }
}

export function throttleLimits({ failures, addressFailures, window, lock }: Config['signIn']): ThrottleLimits {
  return { failures, addressFailures, windowMs: window * 1000, lockMs: lock * 1000 }
}

export function rendererOptions({ baseUrl, pages }: Config): RendererOptions {
  const { logoFile, defaultUrl: _, redirectToServer: __, loginTermUrl: ___, ...rest } = pages
  return { baseUrl, ...rest, ...(logoFile !== undefined && { logoFile }) }
}

export function pageSettings(config: Config, subdomains?: Subdomains): PageSettings {
  const { servers, tokens, pages, hooks, signIn } = config
  return {
    baseUrl: config.baseUrl,
    subdomains,
    autoLogin: signIn.autoLogin,
    ...(signIn.logoutRedirectUrl !== undefined && { logoutRedirectUrl: signIn.logoutRedirectUrl }),
    customLoginHtml: signIn.customHtml,
    requestOtp: signIn.requestOtp,
    otpPrompt: signIn.otpPrompt,
    redirectToServer: pages.redirectToServer,
    defaultUrl: pages.defaultUrl,
    defaultServerName: servers.defaultServerName,
    allowNamedServers: servers.allowNamedServers,
    namedServerLimitPerUser: servers.namedServerLimitPerUser,
    useLegacyStoppedServerStatusCode: servers.useLegacyStoppedServerStatusCode,
    implicitSpawnSeconds: servers.implicitSpawnSeconds,
    shutdownOnLogout: servers.shutdownOnLogout,
    tokenExpiresInMaxSeconds: tokens.maxExpiresIn,
    ...(pages.loginTermUrl !== undefined && { loginTermUrl: pages.loginTermUrl }),
    ...(hooks.userRedirect !== undefined && { userRedirect: hooks.userRedirect }),
    ...(pages.logoFile !== undefined && { logoFile: pages.logoFile }),
  }
}
