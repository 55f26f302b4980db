import { sql } from 'kysely'
import { silentLogger } from '../../core/runtime.ts'
import { openDatabase } from '../open-database.ts'
import { OWN_TABLE_NAMES } from './own-tables.ts'

/** What each revision brought, newest first, so that a test can take it away again. */
const BROUGHT: readonly { revision: string; before: string; take: readonly string[] }[] = [
  { revision: 'f460b0348206', before: 'ff1860e38070', take: ['spawners display_name'] },
  { revision: 'ff1860e38070', before: 'afd65840b69e', take: ['users user_info'] },
  {
    revision: 'afd65840b69e',
    before: 'be8ecf03ddac',
    take: ['oauth_codes code_challenge', 'oauth_codes code_challenge_method'],
  },
  { revision: 'be8ecf03ddac', before: '4621fec11365', take: ['services timeout'] },
  {
    revision: '4621fec11365',
    before: '3c2384c5aae1',
    take: ['group_role_map', 'roles', 'service_role_map', 'user_role_map'].map(table => `${table} managed_by_auth`),
  },
  {
    revision: '3c2384c5aae1',
    before: '0eee8c825d24',
    take: 'from_config url oauth_client_allowed_scopes info display oauth_no_confirm command cwd environment "user"'
      .split(' ')
      .map(column => `services ${column}`),
  },
  { revision: '0eee8c825d24', before: '651f5419b74d', take: ['groups properties'] },
]

/** Makes an empty database as the JupyterHub of that revision left it: 3.0, 4.x or 5.x. For tests. */
export async function makeOld(url: string, revision: string): Promise<void> {
  const database = await openDatabase(url, { log: silentLogger })
  const run = (statement: string) => sql.raw(statement).execute(database.db)
  for (const table of OWN_TABLE_NAMES) await run(`drop table ${table}`)
  let at = BROUGHT[0]!.revision
  for (const step of BROUGHT) {
    if (at === revision) break
    for (const taken of step.take) await run(`alter table ${taken.replace(' ', ' drop column ')}`)
    // Came with 5.0, not by a revision.
    if (step.before === '3c2384c5aae1') for (const table of ['shares', 'share_codes']) await run(`drop table ${table}`)
    at = step.before
  }
  await database.db.updateTable('alembic_version').set({ version_num: at }).execute()
  await database.close()
}
