/** What a proxy's table should hold: read from the database alone, so that every hub comes to the same answer. */
import { type SiteAddresses, serverRoute } from '../core/subdomains.ts'
import { activeSpawners } from '../db/active-spawners.ts'
import type { Database } from '../db/database.ts'
import { fromAddressRow, serverTarget } from './server-target.ts'

export interface DesiredRoute {
  /** `http://127.0.0.1:54321`, without a path. */
  readonly target: string
  /** Kept beside the route as JupyterHub keeps it: `{hub: true}`, `{user, server_name}`, `{service}`, `{extra: true}`. */
  readonly data: Record<string, unknown>
}

export interface DesiredRoutes {
  readonly routes: ReadonlyMap<string, DesiredRoute>
  /** Servers that are starting or stopping: their routes are left as they are found, whoever works on them decides. */
  readonly undecided: ReadonlySet<string>
}

export interface RouteSources extends SiteAddresses {
  readonly database: Database
  /** Where the hub's own route begins; `baseUrl` when absent. */
  readonly hubRoutespec?: string | undefined
  /** Where proxies reach the hub: `http://127.0.0.1:8081`. */
  readonly hubUrl: string
  /** Routes of services and of the config; asked anew each time. */
  readonly more?: () => Promise<ReadonlyMap<string, DesiredRoute>> | ReadonlyMap<string, DesiredRoute>
}

export async function desiredRoutes({
  database,
  baseUrl,
  subdomains,
  hubRoutespec = baseUrl,
  hubUrl,
  more,
}: RouteSources): Promise<DesiredRoutes> {
  const servers = await database.db
    .selectFrom('spawners')
    .innerJoin('users', 'users.id', 'spawners.user_id')
    .leftJoin('servers', 'servers.id', 'spawners.server_id')
    .leftJoin('orrery_runs', 'orrery_runs.spawner_id', 'spawners.id')
    .select(['users.name as user', 'spawners.name as server', 'servers.proto', 'servers.ip', 'servers.port'])
    .select(['orrery_runs.phase', 'orrery_runs.reason_code as reasonCode'])
    .where('spawners.id', 'in', activeSpawners(database.db, PENDING))
    .execute()

  const routes = new Map<string, DesiredRoute>([[hubRoutespec, { target: hubUrl, data: { hub: true } }]])
  const undecided = new Set<string>()
  for (const row of servers) {
    const spec = serverRoute({ user: row.user, server: row.server }, { baseUrl, subdomains })
    if (row.phase === 'spawning' || row.phase === 'stopping') undecided.add(spec)
    // What could not be stopped keeps its address for the next try, but nobody is led there any more.
    else if (row.proto !== null && row.reasonCode !== 'stop_failed') {
      const target = serverTarget(fromAddressRow({ proto: row.proto, ip: row.ip!, port: row.port! })) // one row: all or none are null
      routes.set(spec, { target, data: { user: row.user, server_name: row.server } })
    }
  }
  for (const [spec, route] of (await more?.()) ?? []) routes.set(spec, route)
  return { routes, undecided }
}

const PENDING = ['spawning', 'stopping'] as const
