import assert from 'node:assert/strict'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { type TestHub, testHub } from '../access/testing.ts'
import { type Logger, silentLogger } from '../core/runtime.ts'
import { scopeDefinitions } from '../core/scopes/definitions.ts'
import type { Database, Db } from '../db/database.ts'
import { lazyDocument } from '../http/api-document.ts'
import { createHubServer } from '../http/hub-server.ts'
import { answerChecker } from '../http/openapi-testing.ts'
import { groupsApi } from './groups/api.ts'
import { hubInfoApi } from './hub-info/api.ts'
import { proxyAdminApi } from './proxy-admin/api.ts'
import { rolesApi } from './roles/api.ts'
import { serverModel } from './servers/model.ts'
import { servicesApi } from './services/api.ts'
import { serviceModel } from './services/model.ts'
import { findService } from './services/store.ts'
import { sharingApi } from './shares/api.ts'
import { allTokensApi } from './tokens/all-tokens-api.ts'
import { tokensApi } from './tokens/api.ts'
import { usersApi } from './users/api.ts'
import type { UsersDeps } from './users/deps.ts'
import { readUserModel } from './users/read-users.ts'
import { createUserNames } from './users/user-names.ts'

/** The REST API on a database in memory, with an administrator's and anybody else's credentials at hand. */
export interface TestApi {
  readonly hub: TestHub
  readonly server: FastifyInstance
  readonly db: Db
  /** Reads and writes since the last call. */
  countQueries(): number
  /** What the API asked of the other parts: `stop alice`, `shutdown {...}`. */
  readonly asked: string[]
  as(
    who: Caller | undefined,
  ): (method: Method, url: string, payload?: unknown, headers?: Record<string, string>) => Promise<Answer>
  /** A user who holds the role `user`, with a token. */
  user(name: string, options?: { admin?: boolean; groups?: string[] }): Promise<Caller & { id: number }>
  /** A service with these scopes, with a token. */
  service(name: string, scopes: string[]): Promise<Caller>
  close(): Promise<void>
}

export interface Caller {
  readonly token: string
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
  readonly headers: Record<string, unknown>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

export async function testApi(
  options: {
    open?: () => Promise<Database>
    log?: Logger
    users?: Partial<UsersDeps>
    maxLifetimeSeconds?: number
  } = {},
): Promise<TestApi> {
  const hub = await testHub(options.open ? { open: options.open } : {})
  const log = options.log ?? silentLogger
  let queries = 0
  const counted = hub.database.db.withPlugin({
    transformQuery: ({ node }) => node,
    // Seen for each execution, also of a query that was compiled before.
    async transformResult({ result }) {
      queries += 1
      return result
    },
  })
  const database: Database = { ...hub.database, db: counted }
  const { access, clock } = hub
  const asked: string[] = []
  const server = createHubServer({ log, baseUrl: '/' })
  await server.register(access.hooks)

  const names = createUserNames()
  const users: UsersDeps = {
    database,
    access,
    log,
    clock,
    baseUrl: '/',
    names,
    serverModel: serverModel({ baseUrl: '/' }),
    async stopServers(user) {
      asked.push(`stop ${user.name}`)
      return 'stopped'
    },
    ...options.users,
  }
  await server.register(usersApi(users))
  await server.register(groupsApi({ database, access, log, normalizeUserName: names.normalize }))
  await server.register(
    tokensApi({
      database,
      access,
      log,
      clock,
      maxLifetimeSeconds: options.maxLifetimeSeconds ?? 0,
      async logIn(auth) {
        const { username } = auth as { username?: string }
        return database.db
          .selectFrom('users')
          .select(['id', 'name'])
          .where('name', '=', username ?? '')
          .executeTakeFirst()
      },
    }),
  )
  await server.register(
    servicesApi({
      database,
      access,
      baseUrl: '/',
      clock,
      log,
      routesChanged: async () => void asked.push('put routes right'),
    }),
  )
  await server.register(rolesApi({ database, access }))
  await server.register(allTokensApi({ database, access, clock }))
  await server.register(
    sharingApi({
      database,
      access,
      log: options.log ?? hub.log,
      clock,
      baseUrl: '/',
      serverModel: serverModel({ baseUrl: '/' }),
      async createDefaultServer(name) {
        const owner = await database.db
          .selectFrom('users')
          .select('id')
          .where('name', '=', name)
          .executeTakeFirstOrThrow()
        await hub.addServer(owner.id, '')
      },
    }),
  )
  await server.register(
    proxyAdminApi({
      access,
      log,
      routes: async () => ({ '/b/': route('/b/'), '/a/': route('/a/') }),
      certificates: async () => new Map(),
      proxies: () => [{ url: 'http://127.0.0.1:8001', up: true, since: new Date(0) }],
      checkRoutes: async () => void asked.push('check routes'),
    }),
  )
  await server.register(
    hubInfoApi({
      access,
      log,
      spawner: { class: 'orrery.local', version: '0' },
      authenticator: { class: 'orrery.dummy', version: '0' },
      async readModel(identity, scopes) {
        if (identity.kind === 'user') {
          return readUserModel(users, identity.name, { ...users, scopes, includeStopped: false })
        }
        const service = await findService(database.db, identity.name)
        return service && serviceModel(service, scopes)
      },
      shutDown: what => void asked.push(`shutdown ${JSON.stringify(what)}`),
    }),
  )
  await server.ready()
  const checked = checkedInject(server)

  return {
    hub,
    server,
    db: hub.database.db,
    asked,
    countQueries() {
      const count = queries
      queries = 0
      return count
    },
    as: who => async (method, url, payload, headers) => {
      const request: InjectOptions = {
        method,
        url,
        headers: { ...(who ? { authorization: `token ${who.token}` } : {}), ...headers },
        ...(payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
      }
      const answer = await checked(request)
      const isJson = String(answer.headers['content-type']).startsWith('application/json') && answer.body !== ''
      return { status: answer.statusCode, json: isJson ? answer.json() : undefined, headers: answer.headers }
    },
    async user(name, userOptions) {
      const user = await hub.addUser(name, userOptions)
      return { id: user.id, token: (await access.issueToken({ user })).token }
    },
    service: (name, scopes) => hub.serviceToken(name, scopes),
    async close() {
      await server.close()
      await hub.close()
    },
  }
}

/** Asks the server, and fails where the answer is not what the OpenAPI document says. */
export function checkedInject(server: FastifyInstance, baseUrl = '/') {
  const settings = { baseUrl, version: 'test', scopes: scopeDefinitions }
  const check = answerChecker(lazyDocument(server, settings)().document)
  return async (request: InjectOptions) => {
    const answer = await server.inject(request)
    const faults = check({
      method: String(request.method),
      url: String(request.url),
      status: answer.statusCode,
      contentType: answer.headers['content-type']?.toString(),
      body: answer.body,
    })
    assert.equal(faults.join('\n'), '', 'the answer is not what the OpenAPI document says')
    return answer
  }
}

function route(routespec: string) {
  return { routespec, target: 'http://127.0.0.1:1', data: {} }
}
