/** The hub's whole HTTP side on a database with many users and servers that are only said to run; for the admin page. */
import { spawnSync } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { throttleLimits } from '../../src/app/hub/hub-settings.ts'
import { registerRoutes } from '../../src/app/hub/register-routes.ts'
import { dummy } from '../../src/authenticators/dummy/dummy.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { silentLogger, systemClock } from '../../src/core/runtime.ts'
import type { Database } from '../../src/db/database.ts'
import { toDbTime } from '../../src/db/db-time.ts'
import { testDatabases } from '../../src/db/testing.ts'
import { createSignIn } from '../../src/features/sign-in/sign-in.ts'
import { createUserNames } from '../../src/features/users/user-names.ts'
import { createHubServer } from '../../src/http/hub-server.ts'
import { type TestHubOptions, type TestSpawningHub, testSite } from '../../src/spawning/testing.ts'

export interface AdminHub extends AsyncDisposable {
  readonly url: string
  readonly spawning: TestSpawningHub['spawning']
  readonly usage: TestSpawningHub['usage']
  readonly database: Database
  readonly world: Awaited<ReturnType<typeof testSite>>['world']
}

const repository = join(import.meta.dirname, '../..')

/** With an administrator `root`, whom any password lets in. */
export async function adminHub(options: TestHubOptions = {}): Promise<AdminHub> {
  buildBrowserCode()
  const { url: databaseUrl, drop } = await testDatabases()[0]!.create()
  const site = await testSite({ databaseUrl, drop })
  await site.addUser('root', { admin: true })
  const { spawning, usage, routes, database, access } = await site.hub(options)
  const config = await loadConfig({
    env: {},
    folder: join(import.meta.dirname, 'no-config-here'),
    overrides: {
      'access.allowAll': { value: true, from: 'test' },
      'servers.allowNamedServers': { value: true, from: 'test' },
      // What its page of health finds wrong.
      'servers.cmd': { value: ['/nowhere/start-server'], from: 'test' },
    },
  })
  const log = silentLogger
  const clock = systemClock
  const names = createUserNames()
  const authenticator = dummy()
  const limits = throttleLimits(config.signIn)
  const server = createHubServer({ log, baseUrl: '/' })
  await registerRoutes(server, {
    config,
    database,
    access,
    authenticator,
    subdomains: undefined,
    authState: undefined,
    refresh: undefined,
    cookieSecret: new Uint8Array(32),
    shareCodes: { async check() {}, async wrong() {} }, // nobody guesses here
    signIn: createSignIn({ database, authenticator, names, access: config.access, limits, log, clock }),
    spawning,
    usage,
    routes,
    names,
    log,
    clock,
    shutDown() {},
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo // a TCP address, as listened on above
  return {
    url: `http://127.0.0.1:${port}`,
    spawning,
    usage,
    database,
    world: site.world,
    async [Symbol.asyncDispose]() {
      await server.close()
      await site[Symbol.asyncDispose]()
    },
  }
}

/** As a start does; costs nothing when it is built already. */
function buildBrowserCode(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(repository, 'bin/browser-code.mjs')])
  if (status !== 0) throw new Error(`the admin page was not built:\n${stderr}`)
}

/** `user00001` and so on: every third was seen, every fortieth is in the group `physics`. */
export async function addManyUsers({ db }: Database, count: number): Promise<void> {
  const now = Date.now()
  const role = await db.selectFrom('roles').select('id').where('name', '=', 'user').executeTakeFirstOrThrow()
  await db.transaction().execute(async tx => {
    const { id: group } = await tx
      .insertInto('groups')
      .values({ name: 'physics', properties: '{"building": "north"}' })
      .returning('id')
      .executeTakeFirstOrThrow()
    for (let at = 0; at < count; at += 1000) {
      const users = Array.from({ length: Math.min(1000, count - at) }, (_, n) => {
        const number = at + n + 1
        const seen = number % 3 === 0 ? toDbTime(new Date(now - (number % 5000) * 61_000)) : null
        return {
          name: `user${String(number).padStart(5, '0')}`,
          admin: false,
          cookie_id: `cookie-${number}`,
          created: toDbTime(new Date(now - 1e10)),
          last_activity: seen,
        }
      })
      const rows = await tx.insertInto('users').values(users).returning(['id', 'name']).execute()
      await tx
        .insertInto('user_role_map')
        .values(rows.map(row => ({ user_id: row.id, role_id: role.id, managed_by_auth: false })))
        .execute()
      const members = rows.filter((_, n) => n % 40 === 0)
      await tx
        .insertInto('user_group_map')
        .values(members.map(row => ({ user_id: row.id, group_id: group })))
        .execute()
    }
  })
}
