import type { Db } from './database.ts'
import type { Tables } from './tables.ts'

/**
 * Ids of spawners that have an address or whose latest run is in one of these phases; those for which both is true come
 * twice. Two searches: as one condition with `or` over both tables, the database reads all servers that ever were, and
 * so it does to make a union without doubles.
 */
export function activeSpawners(db: Db, phases: readonly Tables['orrery_runs']['phase'][]) {
  const withAddress = db.selectFrom('spawners').select('id').where('server_id', 'is not', null)
  return withAddress.unionAll(db.selectFrom('orrery_runs').select('spawner_id as id').where('phase', 'in', phases))
}
