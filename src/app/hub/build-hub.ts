/**
 * The composition root: makes a hub out of a config, in the order in which its parts need each other, and ends it in
 * the reverse order. Nothing else in the project knows all parts.
 */
import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { createAccess } from '../../access/access.ts'
import { loadCookieSecret, parseSecret } from '../../access/cookie-secret.ts'
import { requireScope } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import { stateOf } from '../../access/request-state.ts'
import type { Config } from '../../config/schema.ts'
import { joinUrlPath } from '../../core/names.ts'
import { background, type Logger, systemClock } from '../../core/runtime.ts'
import { withCustomScopes } from '../../core/scopes/custom.ts'
import type { Database } from '../../db/database.ts'
import { openDatabase } from '../../db/open-database.ts'
import { makeFirstAdminLink } from '../../features/accounts/first-admin-link.ts'
import { sqlOneTimeLinkStore } from '../../features/accounts/one-time-links.ts'
import { sqlAccountStore } from '../../features/accounts/store.ts'
import { openServerActionLog } from '../../features/events/server-action-log.ts'
import { databaseCounts } from '../../features/metrics/counts.ts'
import { settleInvalidServerNames } from '../../features/servers/rename-invalid-servers.ts'
import { renewServiceToken } from '../../features/services/configured-services.ts'
import { serviceRoutes } from '../../features/services/service-routes.ts'
import { accessWarnings } from '../../features/sign-in/access-rules.ts'
import { createSignIn } from '../../features/sign-in/sign-in.ts'
import { deleteInvalidUsers } from '../../features/users/delete-invalid-users.ts'
import { createUserNames } from '../../features/users/user-names.ts'
import { measureEventLoop } from '../../http/event-loop-interval.ts'
import { keepPagesOnHubHost } from '../../http/hub-host.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { createHubMetrics, type HubMetrics } from '../../http/metrics.ts'
import { measureRequests, metricsRoutes } from '../../http/metrics-routes.ts'
import { launcherClient } from '../../launcher/client.ts'
import { proxyApi } from '../../proxy/api-client.ts'
import { createRouteKeeper } from '../../routing/route-keeper.ts'
import { createManagedServices } from '../../services/managed-services.ts'
import { launchedServices } from '../../services/service-users.ts'
import { siteOptionsForm } from '../../spawning/options-form.ts'
import { serverAccess } from '../../spawning/server-access.ts'
import { createSpawning } from '../../spawning/spawning.ts'
import { dataPaths } from '../data-folder.ts'
import { listenOf } from '../ports.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { makeAuthState } from './auth-state.ts'
import { shareCodeGuesses, tokenGuesses } from './guess-limits.ts'
import {
  cookieOverrides,
  environmentSettings,
  managedByAuthenticator,
  serviceSite,
  spawningSettings,
  throttleLimits,
} from './hub-settings.ts'
import { makeAuthenticator } from './make-authenticator.ts'
import { makeCuller } from './make-culler.ts'
import { makeRefresh } from './make-refresh.ts'
import { makeSpawner } from './make-spawner.ts'
import { measureProxy, measureSignIn, measureSpawning } from './measure.ts'
import { registerRoutes, usersDeps } from './register-routes.ts'
import { siteHooks } from './site-hooks.ts'
import { siteSubdomains } from './site-subdomains.ts'

export interface RunningHub {
  /** Where the proxy reaches it. */
  readonly url: string
  /** Whole address of the link that makes the first administrator; undefined when there is one, or no need. */
  readonly firstAdminLink: string | undefined
  /** Stops nothing of the users' unless asked to. */
  close(options?: { stopServers?: boolean }): Promise<void>
}

const PURGE_INTERVAL_MS = 3600_000
const STOP_SERVERS_MS = 60_000

/** Throws HubError when a part cannot be made; what was begun is ended. */
export async function runHub(config: Config, { log }: { log: Logger }): Promise<RunningHub> {
  const { cookieSecret: given, cookieSecretFile } = config
  const cookieSecret =
    given === undefined
      ? await loadCookieSecret(cookieSecretFile, { env: process.env, log })
      : parseSecret(given, 'cookieSecret')
  const database = await openDatabase(config.dbUrl, { log, create: true })
  try {
    return await runHubOn(database, cookieSecret, config, log)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function runHubOn(
  database: Database,
  cookieSecret: Uint8Array,
  config: Config,
  log: Logger,
): Promise<RunningHub> {
  const clock = systemClock
  const { baseUrl } = config
  const names = createUserNames({ map: config.access.usernameMap, ...pattern(config.access.usernamePattern) })
  const scopeDefinitions = withCustomScopes(config.customScopes)
  const subdomains = siteSubdomains(config, log)
  const launcher = launcherClient({ socketPath: dataPaths(config.dataDir).launcherSocket })
  const launched = await launchedServices(config.services ?? [], userInfo().username, launcher)

  const authState = makeAuthState({ config, database, clock, log })
  const authenticator = makeAuthenticator({ config, database, launcher, names, clock })
  const applied = { config, database, subdomains, names, scopeDefinitions, clock, log, authenticator }
  const { services, managedRoleNames } = await applyConfiguration(applied)
  const rename = config.servers.allowExistingInvalidNamedServers === 'autorename'
  await settleInvalidServerNames({ database, log }, { rename })
  const metrics = createHubMetrics({
    env: process.env,
    counts: databaseCounts(database.db),
    now: () => clock.now(),
    activeUsersMaxAgeMs: config.metrics.activeUsersEvery * 1000,
  })
  const guesses = { db: database.db, config, metrics, clock, log }
  const managed = managedByAuthenticator(config, managedRoleNames)
  const keptAuthState = authState && config.authState.enabled ? { authState } : {}
  const refresh = makeRefresh({
    ...{ config, database, authenticator, clock, log },
    ...{ ...managed, ...keptAuthState, hooks: config.hooks },
    changed: () => access.changed(),
  })
  const access = createAccess({
    database,
    cookieSecret,
    baseUrl,
    cookieMaxAgeDays: config.cookieMaxAgeDays,
    activityResolutionSeconds: config.activity.resolution,
    publicUrl: new URL(config.publicUrl),
    cookieHostPrefix: config.cookies.hostPrefix,
    sessionCookieDomain: subdomains?.domain,
    cookieOverrides: cookieOverrides(config.cookies),
    scopeDefinitions,
    tokenGuesses: tokenGuesses(guesses),
    ...(refresh?.look && { refreshUser: refresh.look }),
    log,
    clock,
  })
  const { file: eventFile } = config.events
  const events = eventFile === undefined ? undefined : await openServerActionLog(eventFile, { clock, log })
  const startedUp = metrics.hubStartupDuration.startTimer()
  const limits = throttleLimits(config.signIn)
  const signIn = measureSignIn(
    createSignIn({
      database,
      authenticator,
      names,
      access: config.access,
      limits,
      hooks: config.hooks,
      ...keptAuthState,
      ...managed,
      ...(refresh && { admitted: refresh.signedIn }),
      log,
      clock,
    }),
    metrics,
  )
  const proxy = proxyApi({
    url: config.proxy.apiUrl,
    token: config.proxy.authToken ?? '',
    hostRouting: subdomains !== undefined,
  })
  const routes = createRouteKeeper({
    database,
    proxies: [{ url: config.proxy.apiUrl, api: measureProxy(proxy, metrics) }],
    hubUrl: config.hub.connectUrl,
    baseUrl,
    subdomains,
    hubRoutespec: config.hub.routespec,
    moreRoutes: () => serviceRoutes(database, { baseUrl, subdomains }),
    lastActivityIntervalMs: config.activity.interval * 1000,
    log: log.child({ part: 'routes' }),
  })
  const holder = `${hostname()}:${process.pid}:${randomUUID()}`
  const authStateOf = async (user: { id: number }) => (await authState?.read(user.id)) ?? null
  const spawningLog = log.child({ part: 'spawning' })
  const spawning = createSpawning({
    database,
    spawner: makeSpawner(config, launcher),
    routes,
    access: serverAccess(access, database),
    holder,
    environment: environmentSettings(config, process.env, subdomains),
    settings: spawningSettings(config.servers),
    hooks: {
      ...siteHooks({ config, authenticator, authStateOf, log: spawningLog }),
      onTooManyFailures(failures) {
        log.error({ failures }, 'too many starts failed in a row, the hub ends to be started anew')
        process.kill(process.pid, 'SIGTERM')
      },
    },
    observer: measureSpawning(metrics, events),
    ...(config.servers.optionsForm !== undefined && {
      optionsForm: siteOptionsForm(config.servers.optionsForm, { authStateOf, log: spawningLog }),
    }),
    log: spawningLog,
    clock,
  })

  const managedServices = createManagedServices({
    database,
    services,
    site: serviceSite(config, process.env, subdomains),
    launcher,
    launched,
    holder,
    log: log.child({ part: 'services' }),
    async renewToken(service) {
      const token = await renewServiceToken({ database, clock }, service)
      access.changed()
      return token
    },
  })

  // What listens for SIGTERM ends the hub in order; asking for servers to be stopped is honoured before.
  const shutDown = ({ servers = false }: { servers?: boolean }) => {
    const ending = servers ? spawning.stopAll({ by: 'api', timeoutMs: STOP_SERVERS_MS }) : Promise.resolve()
    background(
      ending.finally(() => process.kill(process.pid, 'SIGTERM')),
      'shutdown',
      log,
    )
  }

  const server = createHubServer({
    log,
    baseUrl,
    headers: config.headers,
    forwardedHostHeader: config.forwardedHostHeader,
    trustedDownstreamIps: config.trustedDownstreamIps,
    whoAsked: async request => callerName(await stateOf(request).identity?.catch(() => undefined)),
  })
  if (subdomains) keepPagesOnHubHost(server, { baseUrl, subdomains })
  measureRequests(server, metrics, baseUrl)
  const metricsGuard = config.metrics.authenticate ? requireScope(access, 'read:metrics') : undefined
  await server.register(metricsRoutes(metrics, metricsGuard), { prefix: baseUrl.slice(0, -1) })
  const parts = {
    config,
    database,
    subdomains,
    access,
    authenticator,
    authState,
    refresh: refresh?.ofServers,
    signIn,
    shareCodes: shareCodeGuesses(guesses),
    spawning,
    routes,
    names,
    log,
    clock,
    shutDown,
  }
  await registerRoutes(server, parts)
  const listen = listenOf(config.hub.bindUrl)
  const url = await server.listen({ host: listen.host || '0.0.0.0', port: listen.port })

  // Routes first: they are the database's, and a proxy that lost its table needs them more than anybody needs polls.
  await routes.start()
  const recovered = metrics.initSpawnersDuration.startTimer()
  await spawning.recover()
  recovered()
  if (config.access.deleteInvalidUsers) {
    background(deleteInvalidUsers(usersDeps(parts)), 'delete invalid users', log)
  }
  const culler = makeCuller(parts, holder)
  culler?.start()
  startedUp()
  managedServices.start()
  const purge = setInterval(() => background(access.purgeExpired(), 'purge', log), PURGE_INTERVAL_MS)
  purge.unref()
  const endEventLoop = watchEventLoop(config, metrics, log)
  warnOfRules(config, log)
  warnOfAddresses(config, log)

  return {
    url,
    firstAdminLink: await firstAdminLink(config, database),
    async close({ stopServers = false } = {}) {
      clearInterval(purge)
      endEventLoop()
      await culler?.close()
      if (stopServers) await spawning.stopAll({ by: 'hub', timeoutMs: STOP_SERVERS_MS })
      await managedServices.close()
      await server.close()
      await spawning.close()
      await events?.close()
      await routes.close()
      await access.flush()
      launcher.close()
      await database.close()
    },
  }
}

/** Returns what ends it. */
function watchEventLoop({ metrics: wanted }: Config, metrics: HubMetrics, log: Logger): () => void {
  if (!wanted.eventLoop) return () => {}
  const options = { resolution: wanted.eventLoopResolution, warnAbove: wanted.eventLoopWarnAbove, log }
  return measureEventLoop(metrics.eventLoopInterval, options)
}

/** As the log names who asked: `alice`, `service:culler`. */
function callerName(identity: Identity | undefined): string | undefined {
  return identity && (identity.kind === 'user' ? identity.name : `service:${identity.name}`)
}

function pattern(source: string): { pattern?: RegExp } {
  return source === '' ? {} : { pattern: new RegExp(`^(?:${source})$`) }
}

function warnOfRules(config: Config, log: Logger): void {
  // Own accounts are let in by the approval that every account needs, anybody by the one for trials.
  const kind = 'kind' in config.authenticator ? config.authenticator.kind : undefined
  const vouches = kind === 'own-accounts' || (kind === 'dummy' && config.access.allowedUsers.length === 0)
  for (const warning of accessWarnings(config.access, { vouches })) log.warn({}, warning)
}

function warnOfAddresses({ baseUrl, hub, cookies, publicUrl, subdomainHost }: Config, log: Logger): void {
  const { routespec } = hub
  if (routespec !== undefined && routespec !== baseUrl && routespec !== '/') {
    log.warn({ routespec }, 'the proxy leads only a part of the requests to the hub: stopped servers have no page')
  }
  if (
    routespec !== undefined &&
    subdomainHost === undefined &&
    !joinUrlPath(baseUrl, 'hub/api/').startsWith(routespec)
  ) {
    log.warn({ routespec }, 'the proxy leads no request for the REST API to the hub')
  }
  if (cookies.hostPrefix && !publicUrl.startsWith('https:')) {
    log.warn({ publicUrl }, 'cookies.hostPrefix works with https alone: browsers drop the cookies, except on localhost')
  }
}

async function firstAdminLink(config: Config, database: Database): Promise<string | undefined> {
  if (!('kind' in config.authenticator) || config.authenticator.kind !== 'own-accounts') return undefined
  const stores = { accounts: sqlAccountStore(database), links: sqlOneTimeLinkStore(database) }
  const link = await makeFirstAdminLink(database, stores, systemClock)
  if (link === undefined) return undefined
  const { origin } = new URL(config.publicUrl)
  return `${origin}${joinUrlPath(config.baseUrl, 'hub', link)}`
}
