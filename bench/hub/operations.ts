/** What is asked of both hubs, request by request, and what it may cost by the targets of the project. */
import type { BenchUser } from './fill-database.ts'
import type { BenchWork } from './load.ts'
import { addServerClient, oauthHop } from './oauth-hop.ts'
import { type BenchRequest, signInRequest, visitLogin } from './sign-in.ts'

export interface Operation {
  readonly name: string
  /** How many times less than JupyterHub it shall cost. */
  readonly target: number | undefined
  /** More would change what is measured: names run out, tables grow. */
  readonly maxRequests?: number
  /** Makes ready what is not measured (users to delete, forms to send) and returns one function that makes requests. */
  prepare(site: Site): Promise<(n: number) => BenchWork>
}

/** A hub and who is in it. */
export interface Site {
  readonly url: string
  /** Its SQLite file. */
  readonly database: string
  readonly adminToken: string
  readonly users: readonly BenchUser[]
  /** Of users created and not deleted yet, by what creates and deletes them. */
  readonly created: string[]
}

const SESSIONS = 20

export const OPERATIONS: readonly Operation[] = [
  { name: 'GET /hub/api/', target: 6, prepare: async () => () => get('/hub/api/') },
  {
    name: 'GET /hub/api/user, one token',
    target: 8,
    prepare: async site => () => get('/hub/api/user', site.users[0]!.token),
  },
  {
    name: 'GET /hub/api/user, each user in turn',
    target: 8,
    prepare: async site => n => get('/hub/api/user', inTurn(site.users, n).token),
  },
  {
    name: 'GET /hub/api/users?limit=50',
    target: 40,
    prepare: async site => () => get('/hub/api/users?limit=50', site.adminToken),
  },
  {
    name: 'GET /hub/api/users/NAME',
    target: 20,
    prepare: async site => n => get(`/hub/api/users/${inTurn(site.users, n).name}`, site.adminToken),
  },
  {
    name: 'POST /hub/api/users/NAME',
    target: 20,
    maxRequests: 1000,
    prepare: async site => () => {
      const name = `new-${newNumber()}`
      site.created.push(name)
      return withBody(`/hub/api/users/${name}`, site.adminToken, {}, 201)
    },
  },
  {
    name: 'DELETE /hub/api/users/NAME',
    target: 20,
    maxRequests: 1000,
    prepare: async site => () => {
      const path = `/hub/api/users/${site.created.shift()}`
      return { method: 'DELETE', path, headers: bearer(site.adminToken), expect: 204 }
    },
  },
  {
    name: 'POST /hub/api/users/NAME/tokens',
    target: 20,
    maxRequests: 1000,
    prepare: async site => n => {
      const { name } = inTurn(site.users, n)
      return withBody(`/hub/api/users/${name}/tokens`, site.adminToken, { note: 'bench', expires_in: 60 }, 201)
    },
  },
  {
    name: 'POST /hub/api/users/NAME/activity',
    target: 20,
    prepare: async site => n => {
      const { name, token } = inTurn(site.users, n)
      const now = new Date().toISOString()
      const body = { last_activity: now, servers: { '': { last_activity: now } } }
      return withBody(`/hub/api/users/${name}/activity`, token, body, 200)
    },
  },
  {
    name: 'POST /hub/login, no password hash',
    target: 8,
    prepare: async site => {
      const form = await visitLogin(site.url)
      return n => signInRequest(form, inTurn(site.users, n).name)
    },
  },
  {
    name: 'GET /hub/home, signed in',
    target: 8,
    prepare: async site => {
      const sessions = await signInPeople(site)
      return n => ({ method: 'GET', path: '/hub/home', headers: { cookie: inTurn(sessions, n) }, expect: 200 })
    },
  },
  {
    name: 'OAuth hop of a server (3 requests)',
    target: 10,
    maxRequests: 300,
    prepare: async site => {
      const sessions = await signInPeople(site)
      const clients = people(site).map(user => addServerClient(site.database, user))
      return n => oauthHop(inTurn(clients, n), inTurn(sessions, n))
    },
  },
]

function people(site: Site): readonly BenchUser[] {
  return site.users.slice(0, SESSIONS)
}

function signInPeople(site: Site): Promise<string[]> {
  return Promise.all(people(site).map(user => visitLogin(site.url).then(form => form.signIn(user.name))))
}

let lastNumber = 0

function newNumber(): number {
  lastNumber += 1
  return lastNumber
}

function get(path: string, token?: string): BenchRequest {
  return { method: 'GET', path, headers: token ? bearer(token) : {}, expect: 200 }
}

function withBody(path: string, token: string, body: object, expect: number): BenchRequest {
  const headers = { ...bearer(token), 'content-type': 'application/json' }
  return { method: 'POST', path, headers, body: JSON.stringify(body), expect }
}

function bearer(token: string): Record<string, string> {
  return { authorization: `token ${token}` }
}

function inTurn<Item>(items: readonly Item[], n: number): Item {
  return items[n % items.length]!
}
