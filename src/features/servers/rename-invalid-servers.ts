/** Named servers from before JupyterHub 6, whose names are not allowed any more: counted, or given allowed ones. */
import { isValidServerName, printable } from '../../core/names.ts'
import type { Logger } from '../../core/runtime.ts'
import { safeSlug, uniqueSlug } from '../../core/safe-slug.ts'
import type { Database, Db } from '../../db/database.ts'

interface NamedServer {
  readonly id: number
  readonly userId: number
  readonly user: string
  readonly name: string
  readonly displayName: string | null
  readonly isActive: boolean
}

/**
 * When the hub starts: warns of such servers or, with `rename`, gives those that do not run a name like the old one,
 * which stays as the name that people see. What a spawner keeps elsewhere under the old name (volumes) is not renamed.
 */
export async function settleInvalidServerNames(
  { database, log }: { database: Pick<Database, 'db'>; log: Logger },
  { rename }: { rename: boolean },
): Promise<void> {
  await database.db.transaction().execute(async tx => {
    const servers = await namedServers(tx)
    const invalid = servers.filter(({ name }) => !isValidServerName(name))
    if (invalid.length === 0) return
    if (!rename) {
      log.warn({ servers: invalid.length }, 'named servers have names that are not allowed any more')
      return
    }
    const taken = Map.groupBy(servers, ({ userId }) => userId)
    const names = new Map([...taken].map(([userId, own]) => [userId, new Set(own.map(({ name }) => name))]))
    for (const server of invalid) await renameServer(tx, server, names.get(server.userId)!, log) // grouped from the same list
  })
}

async function renameServer(tx: Db, server: NamedServer, taken: Set<string>, log: Logger): Promise<void> {
  const fields = { user: server.user, server: printable(server.name) }
  if (server.isActive) return log.error(fields, 'server runs under a name that is not allowed any more, not renamed')
  const short = safeSlug(server.name)
  const name = taken.has(short) ? uniqueSlug(server.name) : short
  taken.add(name)
  await tx
    .updateTable('spawners')
    .set({ name, display_name: server.displayName || server.name })
    .where('id', '=', server.id)
    .execute()
  log.info({ ...fields, name }, 'server renamed')
}

async function namedServers(tx: Db): Promise<NamedServer[]> {
  const rows = await tx
    .selectFrom('spawners')
    .innerJoin('users', 'users.id', 'spawners.user_id')
    .leftJoin('orrery_runs', 'orrery_runs.spawner_id', 'spawners.id')
    .where('spawners.name', '!=', '')
    .select(['spawners.id', 'spawners.user_id as userId', 'users.name as user', 'spawners.name'])
    .select(['spawners.display_name as displayName', 'spawners.server_id', 'spawners.started', 'orrery_runs.phase'])
    .orderBy('spawners.id')
    .execute()
  return rows.map(({ server_id, started, phase, ...row }) => ({
    ...row,
    name: row.name ?? '',
    isActive: server_id !== null || started !== null || phase === 'spawning' || phase === 'stopping',
  }))
}
