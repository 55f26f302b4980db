/**
 * Hot reads: prepared by hand against the same query built by kysely, on a SQLite file with 1000 users and tokens.
 * Run: node bench/hot-reads.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../src/core/runtime.ts'
import { type HotReads, kyselyHotReads } from '../src/db/hot.ts'
import { openDatabase } from '../src/db/open-database.ts'

const USERS = 1000
const READS = 20_000

const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
const database = await openDatabase(`sqlite:///${folder}/hub.sqlite`, { log: silentLogger })
await database.db.transaction().execute(async tx => {
  for (let n = 1; n <= USERS; n++) {
    await tx
      .insertInto('users')
      .values({ name: `user-${n}`, admin: false, cookie_id: `cookie-${n}` })
      .execute()
    await tx
      .insertInto('api_tokens')
      .values({ user_id: n, hashed: `hash-${n}`, prefix: `p${n}` })
      .execute()
  }
})

const twin = kyselyHotReads(database.db)
const reads = { findTokens: 'p', findUserByCookieId: 'cookie-', findUserByName: 'user-' } as const
for (const [name, prefix] of Object.entries(reads) as [keyof HotReads, string][]) {
  const byHand = await perSecond(n => database.hot[name](prefix + n))
  const byKysely = await perSecond(n => twin[name](prefix + n))
  console.log(`${name}: by hand ${byHand}/s, kysely ${byKysely}/s, ratio ${(byHand / byKysely).toFixed(1)}`)
}
await database.close()
await rm(folder, { recursive: true })

async function perSecond(read: (n: number) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < READS; i++) await read((i % USERS) + 1)
  return Math.round((READS / (performance.now() - start)) * 1000)
}
