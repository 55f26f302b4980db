import type { Database } from '../../db/database.ts'
import type { DesiredRoute } from '../../routing/desired-routes.ts'
import { fromAddressRow, serverTarget } from '../../routing/server-target.ts'

/** Routes of all services that have an address, by their prefix: `/services/culler/`. */
export async function serviceRoutes({ db }: Pick<Database, 'db'>): Promise<ReadonlyMap<string, DesiredRoute>> {
  const rows = await db
    .selectFrom('services')
    .innerJoin('servers', 'servers.id', 'services._server_id')
    .select(['services.name', 'servers.proto', 'servers.ip', 'servers.port', 'servers.base_url as prefix'])
    .execute()
  return new Map(
    rows.map(row => [row.prefix, { target: serverTarget(fromAddressRow(row)), data: { service: row.name } }]),
  )
}
