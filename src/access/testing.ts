import { randomBytes } from 'node:crypto'
import formbody from '@fastify/formbody'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Logger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { openDatabase } from '../db/open-database.ts'
import { type Access, type AccessOptions, createAccess } from './access.ts'
import { ensureHubClient } from './issue-token.ts'
import { assignDefaultRoles, ensureDefaultRoles } from './role-grants.ts'

/** A hub's database with roles and an access to it, and a server that asks it. Tests add routes of their own. */
export interface TestHub {
  readonly database: Database
  readonly access: Access
  readonly app: FastifyInstance
  readonly log: Logger
  readonly clock: { now(): Date; advance(ms: number): void }
  /** Everything that was logged, as one text. */
  logged(): string
  addUser(
    name: string,
    options?: { admin?: boolean; groups?: string[] },
  ): Promise<{ id: number; name: string; cookieId: string }>
  addRole(name: string, scopes: string[]): Promise<number>
  addServer(userId: number, name: string, oauthClientId?: string): Promise<number>
  addService(name: string, options?: { oauthClientId?: string; oauthNoConfirm?: boolean }): Promise<number>
  /** A new service with a role of its own that has these scopes. */
  serviceToken(name: string, scopes: string[]): ReturnType<Access['issueToken']>
  close(): Promise<void>
}

export const TEST_SECRET = Buffer.alloc(32, 7)

export async function testHub(
  options: Partial<AccessOptions> & { open?: () => Promise<Database> } = {},
): Promise<TestHub> {
  const lines: string[] = []
  const log = recordingLogger(lines)
  const { open, ...accessOptions } = options
  const database = open ? await open() : await openDatabase('sqlite://', { log })
  const { db } = database
  let shiftMs = 0
  const clock = {
    now: () => new Date(Date.now() + shiftMs),
    advance(ms: number) {
      shiftMs += ms
    },
  }
  const access = createAccess({
    database,
    cookieSecret: TEST_SECRET,
    baseUrl: '/',
    cookieMaxAgeDays: 14,
    log,
    clock,
    ...accessOptions,
  })
  const app = Fastify({ logger: false })
  await app.register(formbody)
  await app.register(access.hooks)
  await ensureDefaultRoles(db)
  await ensureHubClient(db)

  const hub: TestHub = {
    database,
    access,
    app,
    log,
    clock,
    logged: () => lines.join('\n'),
    async addUser(name, { admin = false, groups = [] } = {}) {
      const cookieId = randomBytes(16).toString('hex')
      const { id } = await db
        .insertInto('users')
        .values({
          name,
          admin,
          cookie_id: cookieId,
          created: null,
          last_activity: null,
          user_info: null,
          state: null,
          encrypted_auth_state: null,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      await assignDefaultRoles(db, { kind: 'user', id, admin })
      for (const group of groups) {
        await db
          .insertInto('groups')
          .values({ name: group, properties: '{}' })
          .onConflict(c => c.doNothing())
          .execute()
        const row = await db.selectFrom('groups').select('id').where('name', '=', group).executeTakeFirstOrThrow()
        await db.insertInto('user_group_map').values({ user_id: id, group_id: row.id }).execute()
      }
      return { id, name, cookieId }
    },
    async addRole(name, scopes) {
      const values = { name, description: name, scopes: JSON.stringify(scopes), managed_by_auth: false }
      return (await db.insertInto('roles').values(values).returning('id').executeTakeFirstOrThrow()).id
    },
    async addServer(userId, name, oauthClientId) {
      const values = {
        user_id: userId,
        server_id: null,
        state: '{}',
        name,
        display_name: null,
        started: null,
        last_activity: null,
        user_options: '{}',
        oauth_client_id: oauthClientId ?? null,
      }
      return (await db.insertInto('spawners').values(values).returning('id').executeTakeFirstOrThrow()).id
    },
    async addService(name, { oauthClientId, oauthNoConfirm = false } = {}) {
      const values = {
        name,
        admin: false,
        url: null,
        oauth_client_allowed_scopes: null,
        info: null,
        display: true,
        oauth_no_confirm: oauthNoConfirm,
        command: null,
        cwd: null,
        environment: null,
        user: null,
        timeout: 0,
        from_config: true,
        _server_id: null,
        pid: null,
        oauth_client_id: oauthClientId ?? null,
      }
      return (await db.insertInto('services').values(values).returning('id').executeTakeFirstOrThrow()).id
    },
    async serviceToken(name, scopes) {
      const id = await hub.addService(name)
      const roleId = await hub.addRole(`role-${name}`, scopes)
      const values = { service_id: id, role_id: roleId, managed_by_auth: false }
      await db.insertInto('service_role_map').values(values).execute()
      return access.issueToken({ service: { id } })
    },
    async close() {
      await app.close()
      await database.close()
    },
  }
  return hub
}

/** What a browser would send back: `name=value; name=value` of all cookies an answer has set and not cleared. */
export function cookieJar(response: { headers: Record<string, unknown> }, before = ''): string {
  const jar = new Map<string, string>()
  for (const part of before.split('; ').filter(Boolean)) jar.set(part.slice(0, part.indexOf('=')), part)
  for (const line of [response.headers['set-cookie'] ?? []].flat().map(String)) {
    const pair = line.slice(0, line.indexOf(';'))
    const name = pair.slice(0, pair.indexOf('='))
    if (pair.endsWith('=')) jar.delete(name)
    else jar.set(name, pair)
  }
  return [...jar.values()].join('; ')
}

function recordingLogger(lines: string[]): Logger {
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return { debug: write, info: write, warn: write, error: write, child: () => recordingLogger(lines) }
}
