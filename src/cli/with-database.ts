import { existsSync } from 'node:fs'
import { loadConfig } from '../config/load-config.ts'
import type { Config } from '../config/schema.ts'
import { HubError } from '../core/errors.ts'
import { silentLogger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { parseDatabaseUrl } from '../db/database-url.ts'
import { openDatabase } from '../db/open-database.ts'
import { becomeOwnerOf } from './become-owner.ts'
import { type ConfigFlags, configSources } from './config-flags.ts'

/** Opens the hub's database for one command; the hub may be running. The tables must be there. */
export async function withDatabase<Result>(
  flags: ConfigFlags,
  use: (database: Database, config: Config) => Promise<Result>,
): Promise<Result> {
  const config = await loadConfig(configSources(flags))
  assertThere(config.dbUrl)
  becomeOwner(config.dbUrl)
  const database = await openDatabase(config.dbUrl, { log: silentLogger, create: false })
  try {
    return await use(database, config)
  } finally {
    await database.close()
  }
}

function assertThere(dbUrl: string): void {
  const url = parseDatabaseUrl(dbUrl)
  if (url.dialect !== 'sqlite' || !url.file || existsSync(url.file)) return
  throw new HubError('database_missing', {
    status: 500,
    message: `There is no database ${url.file}.`,
    nextStep: 'It is made by the first orrery start; --data-dir or --config name another one.',
  })
}

/** SQLite makes files beside the database. */
function becomeOwner(dbUrl: string): void {
  const url = parseDatabaseUrl(dbUrl)
  if (url.dialect === 'sqlite' && url.file) becomeOwnerOf(url.file)
}
