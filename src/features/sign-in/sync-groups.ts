import type { DbTransaction } from '../../db/database.ts'

/** Makes a user a member of exactly these groups; groups that are not there yet are made, as JupyterHub does. */
export async function syncGroups(tx: DbTransaction, userId: number, names: readonly string[]): Promise<void> {
  const wanted = [...new Set(names)].filter(name => name !== '' && name.length <= 255)
  for (const name of wanted) {
    await tx
      .insertInto('groups')
      .values({ name, properties: '{}' })
      .onConflict(conflict => conflict.column('name').doNothing())
      .execute()
  }
  const groups = wanted.length ? await tx.selectFrom('groups').select('id').where('name', 'in', wanted).execute() : []
  const ids = groups.map(group => group.id)
  await tx
    .deleteFrom('user_group_map')
    .where('user_id', '=', userId)
    .$if(ids.length > 0, query => query.where('group_id', 'not in', ids))
    .execute()
  for (const id of ids) {
    await tx
      .insertInto('user_group_map')
      .values({ user_id: userId, group_id: id })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  }
}
