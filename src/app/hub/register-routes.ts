/** Every path the hub answers: pages, REST API, OAuth. */
import type { FastifyInstance } from 'fastify'
import type { Access } from '../../access/access.ts'
import type { Config } from '../../config/schema.ts'
import { HubError } from '../../core/errors.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { ScopeMap } from '../../core/scopes/types.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import { activityApi } from '../../features/activity/api.ts'
import { doctorApi } from '../../features/doctor/api.ts'
import { groupsApi } from '../../features/groups/api.ts'
import { hubInfoApi } from '../../features/hub-info/api.ts'
import { probeRoutes } from '../../features/probe/probe-routes.ts'
import { proxyAdminApi } from '../../features/proxy-admin/api.ts'
import { rolesApi } from '../../features/roles/api.ts'
import { adminAccessApi } from '../../features/servers/admin-access.ts'
import { serversApi } from '../../features/servers/api.ts'
import { liveServersApi } from '../../features/servers/live-api.ts'
import { serverLogApi } from '../../features/servers/log-api.ts'
import { serverModel } from '../../features/servers/model.ts'
import { servicesApi } from '../../features/services/api.ts'
import { serviceModel } from '../../features/services/model.ts'
import { findService } from '../../features/services/store.ts'
import { sharingApi } from '../../features/shares/api.ts'
import type { ServerRefresh } from '../../features/sign-in/server-refresh.ts'
import type { SignIn } from '../../features/sign-in/sign-in.ts'
import { allTokensApi } from '../../features/tokens/all-tokens-api.ts'
import { type TokensDeps, tokensApi } from '../../features/tokens/api.ts'
import type { TokenRules } from '../../features/tokens/rules.ts'
import { usageApi } from '../../features/usage/api.ts'
import type { UsageWatch } from '../../features/usage/usage-watch.ts'
import { usersApi } from '../../features/users/api.ts'
import type { AuthStateStore } from '../../features/users/auth-state.ts'
import type { UsersDeps } from '../../features/users/deps.ts'
import { readUserModel } from '../../features/users/read-users.ts'
import type { UserNames } from '../../features/users/user-names.ts'
import { findUser } from '../../features/users/user-store.ts'
import { documentRoute, lazyDocument } from '../../http/api-document.ts'
import { legacyAuthorizationRoutes } from '../../oauth/legacy-authorizations.ts'
import { oauthRoutes } from '../../oauth/routes.ts'
import type { PageDeps } from '../../pages/deps.ts'
import { identityVars } from '../../pages/page-vars.ts'
import { createRenderer } from '../../pages/render.ts'
import { outsideRoutes } from '../../pages/routes/root.ts'
import { pageRoutes } from '../../pages/routes.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { RouteKeeper } from '../../routing/route-keeper.ts'
import { serversOfUser } from '../../spawning/server-row.ts'
import type { Spawning } from '../../spawning/spawning.ts'
import { packageVersion, uiFolder } from '../package-root.ts'
import { examineHub } from './examine-hub.ts'
import type { ShareCodeGuesses } from './guess-limits.ts'
import { pageLimits, pageSettings, rendererOptions } from './hub-settings.ts'
import { pageServers } from './page-servers.ts'
import { pageServices } from './page-services.ts'
import { pageShares } from './page-shares.ts'
import { pageTokens } from './page-tokens.ts'

export interface HubParts {
  readonly config: Config
  readonly database: Database
  /** Undefined where all share one host. */
  readonly subdomains: Subdomains | undefined
  readonly access: Access
  readonly authenticator: Authenticator
  /** Undefined where there are no keys for it. */
  readonly authState: AuthStateStore | undefined
  /** Undefined where the authenticator does not look at users again. */
  readonly refresh: ServerRefresh | undefined
  readonly signIn: SignIn
  readonly shareCodes: ShareCodeGuesses
  readonly spawning: Spawning
  readonly usage: UsageWatch
  readonly routes: RouteKeeper
  readonly names: UserNames
  readonly cookieSecret: Uint8Array
  readonly log: Logger
  readonly clock: Clock
  /** The REST API asks the hub to end; see `hub-info`. */
  shutDown(what: { servers?: boolean; proxy?: boolean }): void
}

/** Throws when two parts claim one path. */
export async function registerRoutes(server: FastifyInstance, parts: HubParts): Promise<void> {
  const { config, database, subdomains, access, log, clock } = parts
  const { baseUrl } = config
  const prefix = baseUrl.slice(0, -1)
  const users = usersDeps(parts)
  const tokens = { database, access, log, clock, maxLifetimeSeconds: config.tokens.maxExpiresIn }
  const readModel = ownModels(users)
  const apiDocument = lazyDocument(server, { baseUrl, version: packageVersion, scopes: access.scopeDefinitions })
  const pages = { ...pageDeps(parts, tokens), apiDocument }

  await server.register(access.hooks)
  await server.register(pageRoutes(pages), { prefix })
  await server.register(outsideRoutes({ baseUrl, subdomains }))
  await server.register(hubInfoApi({ access, log, readModel, ...pluginsOf(parts), shutDown: parts.shutDown }), {
    prefix,
  })
  await server.register(usersApi(users), { prefix })
  await server.register(tokensApi({ ...tokens, logIn: logInByBody(parts) }), { prefix })
  await server.register(
    groupsApi({ access, database, log, normalizeUserName: parts.names.normalize, pageLimits: pageLimits(config) }),
    { prefix },
  )
  const routesChanged = () => parts.routes.reconcile()
  await server.register(servicesApi({ access, database, baseUrl, subdomains, clock, log, routesChanged }), { prefix })
  await server.register(proxyAdminApi({ access, log, pageLimits: pageLimits(config), ...proxyTable(parts.routes) }), {
    prefix,
  })
  await server.register(
    serversApi({
      database,
      access,
      spawning: parts.spawning,
      log,
      baseUrl,
      subdomains,
      publicUrl: config.publicUrl,
      slowSpawnTimeoutMs: config.servers.slowSpawnTimeout * 1000,
      slowStopTimeoutMs: config.servers.slowStopTimeout * 1000,
      progressReady: config.hooks.progressReady,
      refresh: parts.refresh,
    }),
    { prefix },
  )
  await server.register(serverLogApi({ access, database, spawning: parts.spawning }), { prefix })
  await server.register(probeRoutes({ cookieSecret: parts.cookieSecret, version: packageVersion, baseUrl, clock }), {
    prefix,
  })
  await server.register(doctorApi({ access, log, examine: () => examineHub(config) }), { prefix })
  await server.register(adminAccessApi({ access }), { prefix })
  await server.register(
    liveServersApi({
      access,
      spawning: parts.spawning,
      usage: parts.usage,
      baseUrl,
      subdomains,
      publicUrl: config.publicUrl,
    }),
    { prefix },
  )
  await server.register(usageApi({ access, database, usage: parts.usage, clock, pageLimits: pageLimits(config) }), {
    prefix,
  })
  await server.register(rolesApi({ access, database }), { prefix })
  await server.register(allTokensApi({ database, access, clock, pageLimits: pageLimits(config) }), { prefix })
  await server.register(
    sharingApi({
      database,
      access,
      log,
      clock,
      baseUrl,
      publicUrl: config.publicUrl,
      pageLimits: pageLimits(config),
      serverModel: serverModel({ ...config, subdomains }),
      createDefaultServer: user => createDefaultServer(parts.spawning, user),
    }),
    { prefix },
  )
  await server.register(documentRoute(apiDocument), { prefix })
  await server.register(activityApi({ database, access, log, clock }), { prefix })
  await server.register(
    legacyAuthorizationRoutes({
      access,
      model: (owner, scopes) => readModel({ kind: owner.kind, name: owner.name }, scopes),
    }),
  )
  await server.register(
    oauthRoutes({
      database,
      access,
      log,
      clock,
      requirePkce: config.oauth.requirePkce,
      tokenSeconds: config.oauth.tokenExpiresIn,
      ...loginOfStrangers(parts),
      renderConsent: async (request, _reply, vars) =>
        pages.renderer.render('oauth.html', {
          ...(await identityVars(pages, await access.identify(request))),
          ...vars,
          user: vars.user,
        }),
    }),
  )
}

export function usersDeps({
  config,
  database,
  subdomains,
  access,
  authenticator,
  authState,
  spawning,
  names,
  log,
  clock,
}: HubParts): UsersDeps {
  return {
    database,
    access,
    log,
    clock,
    names,
    baseUrl: config.baseUrl,
    subdomains,
    pageLimits: pageLimits(config),
    serverModel: serverModel({ ...config, subdomains }),
    stopServers: (user, by) => stopServersOf(spawning, database, user, by),
    async forgetServers(user) {
      for (const { key } of await serversOfUser(database, user.name)) await spawning.remove(key, { by: 'hub' })
    },
    userAdded: async user => authenticator.userAdded?.(user),
    userDeleted: async user => authenticator.userDeleted?.(user),
    ...(authState && { authState }),
  }
}

/** Another request may have been a moment faster; the row is there all the same. */
async function createDefaultServer(spawning: Spawning, user: string): Promise<void> {
  await spawning.create({ user, server: '' }, {}).catch(error => {
    if ((error as { code?: string }).code !== 'server_exists') throw error
  })
}

/** How long deleting a user waits for their servers to end. */
const STOP_PATIENCE_MS = 10_000

async function stopServersOf(
  spawning: Spawning,
  database: Database,
  user: UserRecord,
  by: string,
): Promise<'stopped' | 'stopping'> {
  const servers = await serversOfUser(database, user.name)
  await Promise.all(servers.map(({ key }) => spawning.stop(key, { by })))
  const ends = await Promise.all(servers.map(({ key }) => spawning.settled(key, STOP_PATIENCE_MS)))
  return ends.every(({ phase }) => phase === 'stopped' || phase === 'failed') ? 'stopped' : 'stopping'
}

function pageDeps(parts: HubParts, tokens: TokenRules): PageDeps {
  const { config, database, subdomains, access, authenticator, signIn, spawning, log, clock } = parts
  return {
    renderer: createRenderer({ ...rendererOptions(config), uiFolder, clock }),
    access,
    signIn,
    users: { find: name => findUser(database.db, name) },
    servers: pageServers({ database, spawning, usage: parts.usage, baseUrl: config.baseUrl }),
    services: pageServices(database, { baseUrl: config.baseUrl, subdomains }),
    tokens: pageTokens(tokens),
    shares: pageShares({ database, access, log, clock, baseUrl: config.baseUrl, guesses: parts.shareCodes }),
    authenticator,
    settings: pageSettings(config, subdomains),
    ...(parts.refresh && { refresh: parts.refresh }),
    // The templates that come along show nothing of it.
    ...(parts.authState && config.pages.templatePaths.length > 0 && { authState: readAuthState(parts.authState) }),
    log,
    clock,
  }
}

function readAuthState(store: AuthStateStore): NonNullable<PageDeps['authState']> {
  return user => store.read(user.id)
}

/** The model of a user or a service as far as these scopes show it. */
function ownModels(users: UsersDeps) {
  const { database, baseUrl, subdomains, serverModel } = users
  return async (owner: { kind: 'user' | 'service'; name: string }, scopes: ScopeMap) => {
    if (owner.kind === 'user')
      return readUserModel(users, owner.name, { scopes, baseUrl, subdomains, serverModel, includeStopped: false })
    const service = await findService(database.db, owner.name)
    return service && serviceModel(service, scopes)
  }
}

function pluginsOf({ authenticator, config }: HubParts) {
  const spawner = 'kind' in config.spawner ? config.spawner.kind : config.spawner.name
  return {
    spawner: { class: `orrery.spawners.${spawner}`, version: packageVersion },
    authenticator: { class: `orrery.authenticators.${authenticator.name}`, version: packageVersion },
  }
}

/** `{"auth": {"username", "password"}}` in the body that asks for a token. */
function logInByBody({ signIn }: HubParts): NonNullable<TokensDeps['logIn']> {
  return async (auth, request) => {
    if (typeof auth !== 'object' || auth === null) return undefined
    const form = Object.fromEntries(
      Object.entries(auth).filter((field): field is [string, string] => typeof field[1] === 'string'),
    )
    const outcome = await signIn.attempt({ form, address: request.ip, headers: {} })
    if (!('refused' in outcome)) return outcome.user
    if (outcome.status !== 429) return undefined
    throw new HubError(outcome.refused, {
      status: 429,
      message: outcome.message,
      headers: { 'retry-after': String(outcome.retryAfter ?? 1) },
    })
  }
}

function proxyTable(routes: RouteKeeper) {
  return {
    async routes() {
      const table = await routes.table()
      return Object.fromEntries(
        [...table].map(([spec, { target, data }]) => [spec, { routespec: spec, target, data: { ...data } }]),
      )
    },
    proxies: () => routes.health(),
    certificates: () => routes.certificates(),
    checkRoutes: () => routes.reconcile(),
  }
}

/** Where people go first whom a server or an application sends: JupyterHub's `auto_login_oauth2_authorize`. */
function loginOfStrangers({ config, authenticator }: HubParts): { loginUrl?: string } {
  const { login } = authenticator
  if (!config.signIn.autoLoginOauth2Authorize || login.kind !== 'redirect') return {}
  return { loginUrl: /^(\/|https?:)/.test(login.url) ? login.url : `${config.baseUrl}hub/${login.url}` }
}
