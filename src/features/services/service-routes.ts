import { type SiteAddresses, serviceRoute } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import type { DesiredRoute } from '../../routing/desired-routes.ts'
import { fromAddressRow, serverTarget } from '../../routing/server-target.ts'

/** Routes of all services that have an address: `/services/culler/`. */
export async function serviceRoutes(
  { db }: Pick<Database, 'db'>,
  site: SiteAddresses,
): Promise<ReadonlyMap<string, DesiredRoute>> {
  const rows = await db
    .selectFrom('services')
    .innerJoin('servers', 'servers.id', 'services._server_id')
    .select(['services.name', 'servers.proto', 'servers.ip', 'servers.port'])
    .execute()
  return new Map(
    rows.map(row => [
      serviceRoute(row.name, site),
      { target: serverTarget(fromAddressRow(row)), data: { service: row.name } },
    ]),
  )
}
