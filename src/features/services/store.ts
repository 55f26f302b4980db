import type { Db } from '../../db/database.ts'

/** A service as it stands in the database, with its roles and the prefix it is served at. */
export interface ServiceRow {
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly url: string | null
  /** JSON texts. */
  readonly command: string | null
  readonly info: string | null
  readonly display: boolean | null
  readonly pid: number | null
  readonly prefix: string | null
  readonly roles: readonly string[]
}

export async function listServices(db: Db): Promise<ServiceRow[]> {
  return withRoles(db, await services(db).orderBy('services.id').execute())
}

export async function findService(db: Db, name: string): Promise<ServiceRow | undefined> {
  return (await withRoles(db, await services(db).where('services.name', '=', name).execute()))[0]
}

function services(db: Db) {
  return db
    .selectFrom('services')
    .leftJoin('servers', 'servers.id', 'services._server_id')
    .select(['services.id', 'services.name', 'admin', 'url', 'command', 'info', 'display', 'pid'])
    .select('servers.base_url as prefix')
}

async function withRoles(db: Db, rows: readonly Omit<ServiceRow, 'roles'>[]): Promise<ServiceRow[]> {
  if (rows.length === 0) return []
  const roles = await db
    .selectFrom('service_role_map')
    .innerJoin('roles', 'roles.id', 'service_role_map.role_id')
    .select(['service_role_map.service_id', 'roles.name'])
    .where(
      'service_role_map.service_id',
      'in',
      rows.map(row => row.id),
    )
    .orderBy('roles.id')
    .execute()
  const rolesOf = Map.groupBy(roles, row => row.service_id)
  return rows.map(row => ({ ...row, roles: (rolesOf.get(row.id) ?? []).map(role => role.name) }))
}
