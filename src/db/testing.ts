import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { silentLogger } from '../core/runtime.ts'
import type { Database } from './database.ts'
import { openDatabase } from './open-database.ts'

/** A kind of database that a test runs on. */
export interface TestDatabase {
  /** `SQLite` or `PostgreSQL`, for titles. */
  readonly name: string
  /** A fresh one with all tables; `close()` also removes it. */
  open(): Promise<Database>
  /** URL of a fresh database without tables, which several connections can open; `drop` removes it. */
  create(): Promise<{ url: string; drop(): Promise<void> }>
}

/**
 * SQLite always, PostgreSQL when `ORRERY_TEST_POSTGRES_URL` names a server on which databases may be made
 * (`test/testbed/postgres.sh up` prints it). Use: `for (const kind of testDatabases()) describe(kind.name, ...)`.
 */
export function testDatabases(): TestDatabase[] {
  const server = process.env.ORRERY_TEST_POSTGRES_URL
  return server ? [sqlite, postgres(server)] : [sqlite]
}

const sqlite: TestDatabase = {
  name: 'SQLite',
  open: () => openDatabase('sqlite://', { log: silentLogger }),
  create: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-db-'))
    return { url: `sqlite:///${folder}/hub.sqlite`, drop: () => rm(folder, { recursive: true, force: true }) }
  },
}

function postgres(server: string): TestDatabase {
  return {
    name: 'PostgreSQL',
    create,
    open: async () => {
      const { url, drop } = await create()
      const database = await openDatabase(url, { log: silentLogger })
      return { ...database, close: () => database.close().then(drop) }
    },
  }

  async function create() {
    const name = `orrery_test_${randomBytes(6).toString('hex')}`
    await admin(`create database ${name}`)
    const url = new URL(server)
    url.pathname = `/${name}`
    return { url: url.href, drop: () => admin(`drop database if exists ${name} with (force)`) }
  }

  async function admin(statement: string): Promise<void> {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(statement).finally(() => client.end())
  }
}
