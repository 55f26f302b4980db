/** A small hub around Spawning for tests: real database, real access, real proxy, fake servers. */
import { randomUUID } from 'node:crypto'
import { type Access, createAccess } from '../access/access.ts'
import { ensureHubClient } from '../access/issue-token.ts'
import { assignDefaultRoles, ensureDefaultRoles } from '../access/role-grants.ts'
import { type Clock, type Logger, systemClock } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { openDatabase } from '../db/open-database.ts'
import { machineReader } from '../features/usage/machine.ts'
import { createUsageWatch, type UsageWatch } from '../features/usage/usage-watch.ts'
import { createFakeWorld, type FakeSteps, fakeSpawner } from '../plugin/fake-spawner.ts'
import type { Spawner } from '../plugin/spawner.ts'
import { createRouteKeeper, type RouteKeeper } from '../routing/route-keeper.ts'
import { startTestProxy, type TestProxy } from '../routing/testing.ts'
import type { SpawningDeps, SpawningHooks, SpawningSettings } from './context.ts'
import { serverAccess } from './server-access.ts'
import { createSpawning, type Spawning } from './spawning.ts'

/** What several hubs share. */
export interface TestSite extends AsyncDisposable {
  readonly world: ReturnType<typeof createFakeWorld>
  readonly proxy: TestProxy
  readonly databaseUrl: string
  /** Opened before any hub; stays open when hubs crash. */
  readonly database: Database
  addUser(name: string, options?: { admin?: boolean }): Promise<number>
  /** Another hub process on the same database. */
  hub(options?: TestHubOptions): Promise<TestSpawningHub>
  /** Lets every lease run out, as if its holder had been silent for its whole term. */
  expireLeases(): Promise<void>
}

export interface TestHubOptions {
  steps?: FakeSteps
  settings?: Partial<SpawningSettings>
  hooks?: SpawningHooks
  spawner?: Spawner
  access?: Partial<SpawningDeps['access']>
  routes?: Partial<RouteKeeper>
  environment?: Partial<SpawningDeps['environment']>
  profiles?: SpawningDeps['profiles']
  tls?: SpawningDeps['tls']
  /** How often it looks at what its servers use, once that watch is started. */
  usageEveryMs?: number
  usageClock?: Clock
}

export interface TestSpawningHub {
  readonly spawning: Spawning
  /** Not started. */
  readonly usage: UsageWatch
  readonly routes: RouteKeeper
  readonly database: Database
  readonly access: Access
  /** Everything that was logged, a message a line with its fields. */
  logged(): string
  /** `kill -9`: nothing it still tries to write arrives. */
  crash(): Promise<void>
}

export async function testSite(options: { databaseUrl: string; drop: () => Promise<void> }): Promise<TestSite> {
  const world = createFakeWorld()
  const proxy = await startTestProxy()
  const hubs: { close(): Promise<void> }[] = []
  const log = recordingLogger([])
  const database = await openDatabase(options.databaseUrl, { log })
  await ensureDefaultRoles(database.db)
  await ensureHubClient(database.db)

  return {
    world,
    proxy,
    databaseUrl: options.databaseUrl,
    database,
    async addUser(name, { admin = false } = {}) {
      const user = { name, admin, cookie_id: randomUUID() }
      const { id } = await database.db.insertInto('users').values(user).returning('id').executeTakeFirstOrThrow()
      await assignDefaultRoles(database.db, { kind: 'user', id, admin })
      return id
    },
    async expireLeases() {
      await database.db.updateTable('orrery_leases').set({ expires_at: '2020-01-01 00:00:00.000000' }).execute()
    },
    async hub(hubOptions = {}) {
      const hub = await openHub(options.databaseUrl, world, proxy, hubOptions)
      hubs.push(hub)
      return hub
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(hubs.map(hub => hub.close()))
      await world.close()
      await proxy[Symbol.asyncDispose]()
      await database.close()
      await options.drop()
    },
  }
}

async function openHub(
  databaseUrl: string,
  world: ReturnType<typeof createFakeWorld>,
  proxy: TestProxy,
  options: TestHubOptions,
): Promise<TestSpawningHub & { close(): Promise<void> }> {
  const lines: string[] = []
  const log = recordingLogger(lines)
  const database = await openDatabase(databaseUrl, { log })
  const access = createAccess({ database, cookieSecret: Buffer.alloc(32, 7), baseUrl: '/', cookieMaxAgeDays: 14, log })
  const keeper = createRouteKeeper({
    database,
    proxies: [proxy],
    hubUrl: 'http://127.0.0.1:8081',
    log,
    patienceMs: 200,
  })
  const routes = { ...keeper, ...options.routes }
  const holder = randomUUID()
  const spawning = createSpawning({
    database,
    spawner: options.spawner ?? fakeSpawner(world, options.steps),
    routes,
    access: { ...serverAccess(access), ...options.access },
    holder,
    environment: { baseUrl: '/', hubUrl: 'http://127.0.0.1:8081', ...options.environment },
    settings: {
      command: ['serves'],
      pollIntervalMs: 60_000,
      leaseTermMs: 60_000,
      allowNamedServers: true,
      ...options.settings,
    },
    log,
    clock: systemClock,
    ...(options.hooks && { hooks: options.hooks }),
    ...(options.profiles && { profiles: options.profiles }),
    ...(options.tls && { tls: options.tls }),
  })
  const usage = createUsageWatch({
    ...{ database, holder, machineReader, log },
    clock: options.usageClock ?? systemClock,
    usage: signal => spawning.usage(signal),
    disks: async () => [{ holds: ['data folder', 'homes'], usedBytes: 150 * 2 ** 30, totalBytes: 200 * 2 ** 30 }],
    ...(options.usageEveryMs !== undefined && { everyMs: options.usageEveryMs }),
  })
  let isCrashed = false
  return {
    spawning,
    usage,
    routes,
    database,
    access,
    logged: () => lines.join('\n'),
    async crash() {
      isCrashed = true
      await database.close()
      await keeper.close()
    },
    async close() {
      // What is dead does not close; its tasks hang for ever where the test stopped them.
      if (isCrashed) return
      await usage.close()
      await spawning.close()
      await keeper.close()
      await database.close()
    },
  }
}

function recordingLogger(lines: string[]): Logger {
  const write = (fields: object, message: string) => void lines.push(`${message} ${describe(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  return log
}

function describe(fields: object): string {
  return JSON.stringify(fields, (_key, value) => (value instanceof Error ? `${value.name}: ${value.message}` : value))
}
