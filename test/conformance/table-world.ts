/** Who tries the endpoints: one world, made in the released JupyterHub and in Orrery alike. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { HttpSession } from '../support/http-session.ts'
import { referencePython } from '../support/python-env.ts'
import { startReferenceHub } from '../support/reference-hub.ts'
import { type Answer, sendAs } from './answers.ts'
import { startOrreryHub } from './orrery-hub.ts'
import type { ScriptedRequest } from './requests.ts'

/**
 * The resources are bob's; he is in the group `red`. By token: `ann` has nothing to do with him, `cleo` holds a role
 * for the members of his group, `dora` is another member of it (and the group has a role), he shares his server with
 * `dan`, `narrow` is a token of his with few scopes, `limited` a service that may read a little, `tester` one that may
 * do nearly all, `boss` an administrator.
 */
export const TOKEN_CALLERS = [
  'nobody',
  'forger',
  'ann',
  'bob',
  'narrow',
  'cleo',
  'dora',
  'dan',
  'limited',
  'tester',
  'boss',
] as const
/** By login cookie: with `_xsrf`, without it, from a script without it, from a page of another site. */
export const COOKIE_CALLERS = [
  'ann by cookie',
  'bob by cookie',
  'bob without xsrf',
  'bob in a script',
  'bob on another site',
  'boss by cookie',
  'boss on another site',
] as const
export type TableCaller = (typeof TOKEN_CALLERS)[number] | (typeof COOKIE_CALLERS)[number]

const SERVICE_TOKEN = 'token-of-the-limited-service'
const ROLES = [
  {
    name: 'red-lead',
    scopes: ['users', 'servers', 'tokens', 'delete:users', 'read:users:shares', 'users:shares', 'admin:users']
      .map(scope => `${scope}!group=red`)
      .concat(['groups!group=red', 'delete:groups!group=blue', 'read:groups:shares!group=red', 'shares!group=red']),
    users: ['cleo'],
  },
  { name: 'red-member', scopes: ['list:users!group=red', 'read:users:activity!group=red'], groups: ['red'] },
  {
    name: 'limited',
    scopes: ['list:users', 'read:servers!user=bob', 'read:groups:name', 'users:activity!user=bob', 'list:services'],
    services: ['limited'],
  },
]
const GROUPS = { red: { users: ['bob', 'dora', 'eve'] }, blue: { users: ['eve'] } }

export interface World {
  readonly url: string
  /** One try. `{name}` in path and body is what this hub called it. */
  ask(who: TableCaller, request: Omit<ScriptedRequest, 'who'>): Promise<Answer>
  stop(): Promise<void>
}

export async function startReferenceWorld(): Promise<World> {
  const hub = await startReferenceHub({
    configLines: [
      `c.Spawner.cmd = ${JSON.stringify(tinyServer())}`,
      'c.JupyterHub.allow_named_servers = True',
      `c.JupyterHub.services += [{'name': 'limited', 'api_token': '${SERVICE_TOKEN}'}]`,
      `c.JupyterHub.load_roles += ${JSON.stringify(ROLES)}`,
      `c.JupyterHub.load_groups = ${JSON.stringify(GROUPS)}`,
    ],
  })
  return makeWorld(hub.hubUrl, hub.adminToken, hub.stop)
}

export async function startOrreryWorld(): Promise<World> {
  const hub = await startOrreryHub({
    servers: { cmd: tinyServer(), allowNamedServers: true },
    services: [{ name: 'limited', apiToken: SERVICE_TOKEN }],
    roles: ROLES,
    groups: GROUPS,
  })
  return makeWorld(hub.hubUrl, hub.adminToken, hub.stop)
}

/** Single-user servers that take a moment to start, and do nothing. */
function tinyServer(): string[] {
  return [referencePython(), join(import.meta.dirname, '../support/tiny-server.py')]
}

async function makeWorld(url: string, testerToken: string, stop: () => Promise<void>): Promise<World> {
  const kept = new Map<string, string>()
  const credentials = new Map<TableCaller, Record<string, string>>()
  const byToken = (who: TableCaller, token: string) => credentials.set(who, { authorization: `token ${token}` })
  credentials.set('nobody', {})
  byToken('forger', '0123456789abcdef0123456789abcdef')
  byToken('tester', testerToken)
  byToken('limited', SERVICE_TOKEN)

  const setUp = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `token ${testerToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
    return answer.json() as Promise<T> // what the API documents
  }
  await setUp('POST', '/hub/api/users', { usernames: ['ann', 'dan'] })
  const tokenOf = (name: string, body: unknown = {}) =>
    setUp<{ id: string; token: string }>('POST', `/hub/api/users/${name}/tokens`, body)
  for (const name of ['ann', 'bob', 'cleo', 'dora', 'dan', 'boss'] as const) byToken(name, (await tokenOf(name)).token)
  const narrow = await tokenOf('bob', { scopes: ['read:users:name!user', 'access:servers!user', 'read:servers!user'] })
  byToken('narrow', narrow.token)
  const spare = await tokenOf('bob', { note: 'spare' })
  kept.set('token', spare.id).set('secret', spare.token)
  await setUp('POST', '/hub/api/shares/bob/', {
    user: 'dan',
    scopes: ['access:servers!server=bob/', 'read:servers!server=bob/'],
  })
  const code = await setUp<{ id: string; code: string }>('POST', '/hub/api/share-codes/bob/', {})
  kept.set('code', code.code).set('codeId', code.id)
  for (const name of ['ann', 'bob', 'boss'] as const) await addBrowser(name)

  return { url, ask, stop }

  async function ask(who: TableCaller, { path, body, keepId, keepCode, ...request }: Omit<ScriptedRequest, 'who'>) {
    const xsrf = WITH_XSRF.has(who) ? encodeURIComponent(kept.get(`xsrf of ${who.split(' ')[0]}`)!) : ''
    const fill = (text: string) =>
      text.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'xsrf' ? xsrf : (kept.get(name) ?? 'missing')))
    const carries = xsrf !== '' && request.method !== 'GET' && typeof body !== 'string'
    const address = carries ? `${fill(path)}${path.includes('?') ? '&' : '?'}_xsrf=${xsrf}` : fill(path)
    const filled = typeof body === 'string' ? fill(body) : body
    const { answer, id, code } = await sendAs(url, { ...request, path: address, body: filled }, credentials.get(who)!)
    if (keepId && id !== undefined) kept.set(keepId, id)
    if (keepCode && code !== undefined) kept.set(keepCode, code)
    return answer
  }

  async function addBrowser(name: 'ann' | 'bob' | 'boss'): Promise<void> {
    const session = new HttpSession(url)
    await session.signIn(name, 'any')
    const names = ['jupyterhub-hub-login', 'jupyterhub-session-id', '_xsrf']
    const cookie = names.map(key => `${key}=${session.cookie(key)}`).join('; ')
    kept.set(`xsrf of ${name}`, session.cookie('_xsrf')!)
    const elsewhere = {
      cookie,
      origin: 'https://evil.example',
      referer: 'https://evil.example/page',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'cors',
    }
    credentials.set(`${name} by cookie`, { cookie })
    if (name === 'bob') credentials.set('bob without xsrf', { cookie })
    if (name === 'bob') credentials.set('bob in a script', { cookie, 'sec-fetch-mode': 'cors' })
    if (name !== 'ann') credentials.set(`${name} on another site`, elsewhere)
  }
}

const WITH_XSRF = new Set<TableCaller>(['ann by cookie', 'bob by cookie', 'boss by cookie'])
