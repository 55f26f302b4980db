/**
 * The composition root: makes a hub out of a config, in the order in which its parts need each other, and ends it in
 * the reverse order. Nothing else in the project knows all parts.
 */
import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { createAccess } from '../../access/access.ts'
import { loadCookieSecret, parseSecret } from '../../access/cookie-secret.ts'
import type { Config } from '../../config/schema.ts'
import { joinUrlPath } from '../../core/names.ts'
import { background, type Logger, systemClock } from '../../core/runtime.ts'
import { withCustomScopes } from '../../core/scopes/custom.ts'
import type { Database } from '../../db/database.ts'
import { openDatabase } from '../../db/open-database.ts'
import { makeFirstAdminLink } from '../../features/accounts/first-admin-link.ts'
import { sqlOneTimeLinkStore } from '../../features/accounts/one-time-links.ts'
import { sqlAccountStore } from '../../features/accounts/store.ts'
import { settleInvalidServerNames } from '../../features/servers/rename-invalid-servers.ts'
import { renewServiceToken } from '../../features/services/configured-services.ts'
import { serviceRoutes } from '../../features/services/service-routes.ts'
import { createSignIn } from '../../features/sign-in/sign-in.ts'
import { deleteInvalidUsers } from '../../features/users/delete-invalid-users.ts'
import { createUserNames } from '../../features/users/user-names.ts'
import { launcherClient } from '../../launcher/client.ts'
import { createRouteKeeper } from '../../routing/route-keeper.ts'
import { createManagedServices } from '../../services/managed-services.ts'
import { launchedServices } from '../../services/service-users.ts'
import { dataPaths } from '../data-folder.ts'
import { listenOf } from '../ports.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { makeAuthState } from './auth-state.ts'
import { shareCodeGuesses, tokenGuesses } from './guess-limits.ts'
import { cookieOverrides, managedByAuthenticator, serviceSite, throttleLimits } from './hub-settings.ts'
import { makeAuthenticator } from './make-authenticator.ts'
import { makeCuller } from './make-culler.ts'
import { makeInternalTls } from './make-internal-tls.ts'
import { makeProxies } from './make-proxies.ts'
import { makeRefresh } from './make-refresh.ts'
import { makeServer } from './make-server.ts'
import { makeSpawning } from './make-spawning.ts'
import { makeUsageWatch } from './make-usage-watch.ts'
import { measureProxies, measureSignIn, measureSpawning, measureUsage } from './measure.ts'
import { observeHub } from './observation.ts'
import { registerRoutes, usersDeps } from './register-routes.ts'
import { siteSubdomains } from './site-subdomains.ts'
import { warnOfConfig } from './start-warnings.ts'

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

interface HubSetting {
  readonly log: Logger
  /** Resolves when proxy and launcher are there; what needs neither is done before. Default: they are. */
  readonly othersReady?: Promise<void>
}

/** Throws HubError when a part cannot be made; what was begun is ended. */
export async function runHub(
  config: Config,
  { log, othersReady = Promise.resolve() }: HubSetting,
): Promise<RunningHub> {
  const { cookieSecret: given, cookieSecretFile } = config
  const cookieSecret =
    given === undefined
      ? await loadCookieSecret(cookieSecretFile, { env: process.env, log })
      : parseSecret(given, 'cookieSecret')
  const database = await openDatabase(config.dbUrl, { log, create: true })
  try {
    return await runHubOn(database, cookieSecret, config, { log, othersReady })
  } catch (error) {
    await database.close()
    throw error
  }
}

async function runHubOn(
  database: Database,
  cookieSecret: Uint8Array,
  config: Config,
  { log, othersReady }: Required<HubSetting>,
): Promise<RunningHub> {
  const clock = systemClock
  const { baseUrl } = config
  const names = createUserNames({ map: config.access.usernameMap, ...pattern(config.access.usernamePattern) })
  const scopeDefinitions = withCustomScopes(config.customScopes)
  const subdomains = siteSubdomains(config, log)
  const tls = await makeInternalTls(config, { subdomains, log: log.child({ part: 'tls' }) })
  const launcher = launcherClient({ socketPath: dataPaths(config.dataDir).launcherSocket })
  const launched = await launchedServices(config.services ?? [], userInfo().username, async () => {
    await othersReady
    return launcher
  })

  const authState = makeAuthState({ config, database, clock, log })
  const authenticator = makeAuthenticator({ config, database, launcher, names, clock })
  const applied = { config, database, subdomains, names, scopeDefinitions, clock, log, authenticator }
  const { services, managedRoleNames } = await applyConfiguration(applied)
  const rename = config.servers.allowExistingInvalidNamedServers === 'autorename'
  await settleInvalidServerNames({ database, log }, { rename })
  const observation = await observeHub({ config, database, log, clock })
  const { metrics } = observation
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
  const routes = createRouteKeeper({
    database,
    proxies: makeProxies(config, {
      metrics,
      hostRouting: subdomains !== undefined,
      tls: tls && (() => tls.hub.toProxy),
    }),
    hubUrl: config.hub.connectUrl,
    baseUrl,
    subdomains,
    hubRoutespec: config.hub.routespec,
    moreRoutes: () => serviceRoutes(database, { baseUrl, subdomains }),
    lastActivityIntervalMs: config.activity.interval * 1000,
    log: log.child({ part: 'routes' }),
  })
  measureProxies(routes, metrics)
  const holder = `${hostname()}:${process.pid}:${randomUUID()}`
  const spawning = makeSpawning({
    ...{ config, database, access, authenticator, launcher, routes, subdomains, holder, log, clock },
    tls: tls?.servers,
    authStateOf: async user => (await authState?.read(user.id)) ?? null,
    observer: measureSpawning(metrics, observation.events),
  })
  const usage = makeUsageWatch({ config, database, spawning, holder, log, clock })
  measureUsage(usage, metrics)

  const managedServices = createManagedServices({
    database,
    services,
    site: serviceSite(config, process.env, subdomains),
    launcher,
    launched,
    holder,
    tls: tls?.services,
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

  const server = await makeServer({ config, access, metrics, subdomains, tls: tls?.hub, log })
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
    usage,
    routes,
    names,
    cookieSecret,
    log,
    clock,
    shutDown,
  }
  await registerRoutes(server, parts)
  const listen = listenOf(config.hub.bindUrl)
  const url = await server.listen({ host: listen.host || '0.0.0.0', port: listen.port })

  await othersReady
  // Routes first: they are the database's, and a proxy that lost its table needs them more than anybody needs polls.
  await routes.start()
  const recovered = metrics.initSpawnersDuration.startTimer()
  await spawning.recover()
  recovered()
  if (config.access.deleteInvalidUsers) {
    background(deleteInvalidUsers(usersDeps(parts)), 'delete invalid users', log)
  }
  const culler = makeCuller(parts, holder, tls?.servers)
  culler?.start()
  usage.start()
  observation.started()
  managedServices.start()
  const purge = setInterval(() => background(access.purgeExpired(), 'purge', log), PURGE_INTERVAL_MS)
  purge.unref()
  warnOfConfig(config, log)

  return {
    url,
    firstAdminLink: await firstAdminLink(config, database),
    async close({ stopServers = false } = {}) {
      clearInterval(purge)
      await culler?.close()
      if (stopServers) await spawning.stopAll({ by: 'hub', timeoutMs: STOP_SERVERS_MS })
      await managedServices.close()
      tls?.hub.close()
      await server.close()
      await usage.close()
      await spawning.close()
      await observation.close()
      await routes.close()
      await access.flush()
      launcher.close()
      await database.close()
    },
  }
}

function pattern(source: string): { pattern?: RegExp } {
  return source === '' ? {} : { pattern: new RegExp(`^(?:${source})$`) }
}

async function firstAdminLink(config: Config, database: Database): Promise<string | undefined> {
  if (!('kind' in config.authenticator) || config.authenticator.kind !== 'own-accounts') return undefined
  const stores = { accounts: sqlAccountStore(database), links: sqlOneTimeLinkStore(database) }
  const link = await makeFirstAdminLink(database, stores, systemClock)
  if (link === undefined) return undefined
  const { origin } = new URL(config.publicUrl)
  return `${origin}${joinUrlPath(config.baseUrl, 'hub', link)}`
}
