/**
 * What the config made in the database, by name, so that it goes when the config no longer has it, while what JupyterHub
 * left in a database that was taken over stays until the config says something about it.
 */
import type { Db } from './database.ts'

export type ConfiguredKind = 'roles' | 'services'

export async function configuredNames(db: Db, kind: ConfiguredKind): Promise<string[]> {
  const row = await db.selectFrom('orrery_meta').select('value').where('key', '=', keyOf(kind)).executeTakeFirst()
  return row ? (JSON.parse(row.value) as string[]) : [] // written below alone
}

export async function rememberConfiguredNames(db: Db, kind: ConfiguredKind, names: readonly string[]): Promise<void> {
  const value = JSON.stringify(names)
  await db
    .insertInto('orrery_meta')
    .values({ key: keyOf(kind), value })
    .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

function keyOf(kind: ConfiguredKind): string {
  return `configured_${kind}`
}
