/**
 * The script of requests that the released JupyterHub and Orrery both are sent, in this order. `differs` names the
 * entry of `docs/differences.md` that tells why the answers are meant to differ; without it they must be alike.
 */
export type Caller = 'nobody' | 'forger' | 'alice' | 'bob' | 'boss' | 'tester' | 'browser'

export interface ScriptedRequest {
  readonly who: Caller
  readonly method: string
  /** Sent as it stands, no client tidies it up. `{name}` is what an earlier answer was kept as, `{xsrf}` the browser's. */
  readonly path: string
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Keeps the answer's `id` under this name. */
  readonly keepId?: string
  /** Compare the body too? Pages are compared by status, type and address of a redirect. Default: when it is JSON. */
  readonly differs?: { readonly entry: string; readonly in: readonly Part[] }
}

export type Part = 'status' | 'content-type' | 'body' | 'message' | 'location'

type Rest = Omit<ScriptedRequest, 'who' | 'method' | 'path'>

const ask = (who: Caller, method: string, path: string, rest: Rest = {}): ScriptedRequest => ({
  who,
  method,
  path,
  ...rest,
})
const as =
  (who: Caller) =>
  (method: string, path: string, body?: unknown, rest: Rest = {}): ScriptedRequest =>
    ask(who, method, path, body === undefined ? rest : { body, ...rest })

const tester = as('tester')
const boss = as('boss')
const alice = as('alice')
const nobody = as('nobody')
const forger = as('forger')

const browser = as('browser')

const PAGES = { headers: { accept: 'application/jupyterhub-pagination+json' } }
const sent = (name: string, value: string): Rest => ({ headers: { [name]: value } })
const words = (entry: string): Rest => ({ differs: { entry, in: ['message'] } })
const other = (entry: string, ...parts: Part[]): Rest => ({ differs: { entry, in: parts } })

export const hubRequests = [
  nobody('GET', '/hub/api'),
  nobody('GET', '/hub/api/'),
  nobody('OPTIONS', '/hub/api/'),
  nobody('POST', '/hub/api/'),
  nobody('GET', '/hub/api/info'),
  forger('GET', '/hub/api/info'),
  alice('GET', '/hub/api/info'),
  tester('GET', '/hub/api/info', undefined, other('info-runtime', 'body')),
  nobody('GET', '/hub/api/user'),
  forger('GET', '/hub/api/user'),
  alice('GET', '/hub/api/user'),
  boss('GET', '/hub/api/user'),
  tester('GET', '/hub/api/user', undefined, other('service-defaults', 'body')),
  nobody('GET', '/hub/api/user', undefined, sent('authorization', 'token')),
  nobody('GET', '/hub/api/user', undefined, sent('authorization', 'Bearer x y')),
  nobody('GET', '/hub/api/user', undefined, sent('authorization', `token ${'x'.repeat(5000)}`)),
  nobody('GET', '/hub/api/user', undefined, sent('authorization', 'Basic YWxpY2U6eA==')),
  nobody('GET', '/hub/api/user?token=forged'),
  nobody('GET', '/hub/api/user', undefined, sent('cookie', 'jupyterhub-hub-login=forged; jupyterhub-session-id=x')),
  nobody('GET', '/hub/api/user', undefined, sent('cookie', 'jupyterhub-hub-login="2|1:0|broken')),
  nobody('GET', '/hub/api/nothing'),
  tester('GET', '/hub/api/nothing'),
  tester('OPTIONS', '/hub/api/nothing'),
  tester('GET', '/hub/api/users/'),
  tester('GET', '/hub/api//users'),
  nobody('GET', '/hub/api/health'),
  nobody('GET', '/hub/health'),
  nobody('POST', '/hub/api/shutdown'),
  alice('POST', '/hub/api/shutdown'),
  tester('POST', '/hub/api/shutdown', { servers: 'maybe' }, words('plain-words')),
  tester('POST', '/hub/api/shutdown', '{bad'),
] satisfies ScriptedRequest[]

export const userRequests = [
  nobody('GET', '/hub/api/users'),
  forger('GET', '/hub/api/users'),
  alice('GET', '/hub/api/users'),
  tester('GET', '/hub/api/users'),
  boss('GET', '/hub/api/users'),
  tester('GET', '/hub/api/users?limit=1'),
  tester('GET', '/hub/api/users?limit=1', undefined, PAGES),
  tester('GET', '/hub/api/users?offset=1&limit=1', undefined, PAGES),
  tester('GET', '/hub/api/users?offset=-1&limit=0', undefined, PAGES),
  tester('GET', '/hub/api/users?limit=100000', undefined, PAGES),
  tester('GET', '/hub/api/users?limit=x'),
  tester('GET', '/hub/api/users?limit='),
  tester('GET', '/hub/api/users?limit=1&limit=2'),
  tester('GET', '/hub/api/users?state=active'),
  tester('GET', '/hub/api/users?state=ready'),
  tester('GET', '/hub/api/users?state=inactive'),
  tester('GET', '/hub/api/users?state=wrong'),
  tester('GET', '/hub/api/users?name_filter=LIC'),
  tester('GET', '/hub/api/users?sort=-name'),
  tester('GET', '/hub/api/users?sort=name'),
  tester('GET', '/hub/api/users?sort=admin'),
  tester('PUT', '/hub/api/users'),
  tester('DELETE', '/hub/api/users'),
  tester('OPTIONS', '/hub/api/users'),
  tester('HEAD', '/hub/api/users'),

  alice('POST', '/hub/api/users', { usernames: ['x'] }),
  tester('POST', '/hub/api/users'),
  tester('POST', '/hub/api/users', {}),
  tester('POST', '/hub/api/users', []),
  tester('POST', '/hub/api/users', { usernames: [] }),
  tester('POST', '/hub/api/users', '{"usernames":'),
  tester('POST', '/hub/api/users', 'null'),
  tester(
    'POST',
    '/hub/api/users',
    `{"usernames": ["${'x'.repeat(2_000_000)}"`,
    other('body-limit', 'status', 'message'),
  ),
  nobody('POST', '/hub/api/users', '{"usernames":'),
  alice('POST', '/hub/api/users', '{"usernames":'),
  tester('POST', '/hub/api/users', { usernames: ['text'] }, sent('content-type', 'text/plain')),
  tester('POST', '/hub/api/users', 'usernames=x', sent('content-type', 'application/x-www-form-urlencoded')),
  tester('POST', '/hub/api/users', { usernames: ['x'], wrong: 1 }, words('plain-words')),
  tester('POST', '/hub/api/users', { usernames: ['x'], admin: 'yes' }, words('plain-words')),
  tester('POST', '/hub/api/users', { usernames: [1] }, other('no-crash', 'status', 'message')),
  tester('POST', '/hub/api/users', { usernames: ['x'], admin: true }),
  tester('POST', '/hub/api/users', { usernames: ['Carol', 'alice'] }),
  tester('POST', '/hub/api/users', { usernames: ['carol'] }),
  tester('POST', '/hub/api/users', { usernames: ['a/b'] }),
  tester('POST', '/hub/api/users', { usernames: ['..', '%2e%2e', ' x', ''] }),
  tester('POST', '/hub/api/users', { usernames: ['günther'] }),
  tester('POST', '/hub/api/users', { usernames: ['x'.repeat(256)] }, other('long-names', 'status', 'body', 'message')),
  tester('POST', '/hub/api/users', { usernames: ['a\nb'] }, other('control-characters', 'status', 'body', 'message')),

  nobody('GET', '/hub/api/users/alice'),
  forger('GET', '/hub/api/users/alice'),
  alice('GET', '/hub/api/users/alice'),
  alice('GET', '/hub/api/users/bob'),
  alice('GET', '/hub/api/users/nobody'),
  tester('GET', '/hub/api/users/alice'),
  tester('GET', '/hub/api/users/nobody'),
  tester('GET', '/hub/api/users/ALICE'),
  tester('GET', '/hub/api/users/a%2Fb'),
  tester('GET', '/hub/api/users/..'),
  tester('GET', '/hub/api/users/%2e%2e'),
  tester('GET', '/hub/api/users/%zz'),
  tester('GET', '/hub/api/users/%ff', undefined, words('plain-words')),
  tester('GET', '/hub/api/users/g%C3%BCnther'),
  tester('GET', `/hub/api/users/${'x'.repeat(300)}`),
  tester('GET', `/hub/api/users/${'x'.repeat(9000)}`),
  tester('PUT', '/hub/api/users/alice'),
  tester('OPTIONS', '/hub/api/users/alice'),

  alice('POST', '/hub/api/users/dora'),
  tester('POST', '/hub/api/users/alice'),
  tester('POST', '/hub/api/users/dora', { admin: true }),
  tester('POST', '/hub/api/users/dora', 'nonsense'),
  tester('POST', '/hub/api/users/dora', { wrong: 1 }, words('plain-words')),
  tester('POST', '/hub/api/users/dora'),
  boss('POST', '/hub/api/users/chief', { admin: true }),
  tester('POST', '/hub/api/users/Emil'),
  tester('POST', '/hub/api/users/..'),
  tester('POST', '/hub/api/users/a%2Fb'),

  alice('PATCH', '/hub/api/users/alice', { admin: true }),
  tester('PATCH', '/hub/api/users/nobody', {}),
  tester('PATCH', '/hub/api/users/alice', { admin: true }),
  tester('PATCH', '/hub/api/users/chief', { name: 'x' }),
  tester('PATCH', '/hub/api/users/dora', { name: 'alice' }),
  tester('PATCH', '/hub/api/users/dora', { name: 'a/b' }),
  tester('PATCH', '/hub/api/users/dora', { name: 7 }, words('plain-words')),
  tester('PATCH', '/hub/api/users/dora', undefined, words('plain-words')),
  tester('PATCH', '/hub/api/users/dora', { name: 'Dorothea' }),
  tester('GET', '/hub/api/users/dorothea'),
  boss('PATCH', '/hub/api/users/dorothea', { admin: true }),
  boss('PATCH', '/hub/api/users/dorothea', { admin: false }),

  alice('DELETE', '/hub/api/users/dorothea'),
  tester('DELETE', '/hub/api/users/nobody'),
  boss('DELETE', '/hub/api/users/boss'),
  tester('DELETE', '/hub/api/users/dorothea'),
  tester('DELETE', '/hub/api/users/dorothea'),
  tester('GET', '/hub/api/users?sort=-id', undefined, other('long-names', 'body')),
] satisfies ScriptedRequest[]

export const groupRequests = [
  nobody('GET', '/hub/api/groups'),
  alice('GET', '/hub/api/groups'),
  tester('GET', '/hub/api/groups'),
  tester('GET', '/hub/api/groups', undefined, PAGES),
  alice('POST', '/hub/api/groups/staff'),
  tester('POST', '/hub/api/groups', {}),
  tester('POST', '/hub/api/groups', { groups: ['one', 'two'] }),
  tester('POST', '/hub/api/groups', { groups: ['one'] }),
  tester('POST', '/hub/api/groups', { groups: ['three'], wrong: 1 }, words('plain-words')),
  tester('POST', '/hub/api/groups/staff', { users: ['alice', 'BOB'] }),
  tester('POST', '/hub/api/groups/staff'),
  tester('POST', '/hub/api/groups/other', { users: ['nobody'] }),
  tester('POST', '/hub/api/groups/other', { users: 'alice' }, words('plain-words')),
  tester('POST', '/hub/api/groups/other', '[', {}),
  tester('POST', '/hub/api/groups/a%2Fb'),
  tester('GET', '/hub/api/groups/a%2Fb'),
  tester('POST', '/hub/api/groups/..', undefined, other('group-names', 'status', 'body', 'message')),
  tester('GET', '/hub/api/groups/staff'),
  alice('GET', '/hub/api/groups/staff'),
  tester('GET', '/hub/api/groups/nothing'),
  tester('GET', '/hub/api/groups?limit=1', undefined, { ...PAGES, ...other('group-names', 'body') }),
  tester('POST', '/hub/api/groups/staff/users', {}),
  tester('POST', '/hub/api/groups/staff/users', undefined, words('plain-words')),
  tester('POST', '/hub/api/groups/staff/users', { users: ['carol'] }),
  tester('POST', '/hub/api/groups/nothing/users', { users: ['carol'] }),
  tester('DELETE', '/hub/api/groups/staff/users', { users: ['carol', 'alice'] }),
  tester('DELETE', '/hub/api/groups/staff/users', { users: ['nobody'] }),
  tester('PUT', '/hub/api/groups/staff/properties', { room: 7, tags: ['a'] }),
  tester('PUT', '/hub/api/groups/staff/properties', [1]),
  tester('GET', '/hub/api/groups/staff/properties'),
  tester('GET', '/hub/api/users/bob'),
  tester('DELETE', '/hub/api/groups/staff'),
  tester('DELETE', '/hub/api/groups/staff'),
] satisfies ScriptedRequest[]

export const tokenRequests = [
  nobody('GET', '/hub/api/users/alice/tokens'),
  alice('GET', '/hub/api/users/bob/tokens'),
  tester('GET', '/hub/api/users/nobody/tokens'),
  tester('POST', '/hub/api/users/nobody/tokens'),
  alice('POST', '/hub/api/users/bob/tokens'),
  nobody('POST', '/hub/api/users/alice/tokens'),
  nobody('POST', '/hub/api/users/alice/tokens', { auth: { username: 'alice', password: 'x' } }),
  nobody('POST', '/hub/api/users/bob/tokens', { auth: { username: 'alice', password: 'x' } }),
  alice('POST', '/hub/api/users/alice/tokens', { note: 'mine', expires_in: 3600 }, { keepId: 'mine' }),
  alice('POST', '/hub/api/users/alice/tokens', { scopes: ['read:users:name!user'] }),
  alice('POST', '/hub/api/users/alice/tokens', { scopes: [] }),
  alice('POST', '/hub/api/users/alice/tokens', { roles: ['user'] }),
  alice('POST', '/hub/api/users/alice/tokens', { roles: ['user'], scopes: ['self'] }),
  alice('POST', '/hub/api/users/alice/tokens', { roles: ['nothing'] }),
  alice('POST', '/hub/api/users/alice/tokens', { scopes: ['admin:users'] }, words('plain-words')),
  alice('POST', '/hub/api/users/alice/tokens', { scopes: ['nothing'] }, words('plain-words')),
  alice('POST', '/hub/api/users/alice/tokens', { scopes: 'self' }, words('plain-words')),
  alice('POST', '/hub/api/users/alice/tokens', { expires_in: 0 }),
  alice('POST', '/hub/api/users/alice/tokens', { expires_in: '1' }, words('plain-words')),
  alice('POST', '/hub/api/users/alice/tokens', [1]),
  alice('POST', '/hub/api/users/alice/tokens', '{'),
  tester('POST', '/hub/api/users/bob/tokens'),
  alice('GET', '/hub/api/users/alice/tokens/{mine}'),
  tester('GET', '/hub/api/users/bob/tokens/{mine}'),
  alice('GET', '/hub/api/users/alice/tokens/a0'),
  alice('GET', '/hub/api/users/alice/tokens/zzz'),
  alice('GET', '/hub/api/users/alice/tokens/'),
  alice('DELETE', '/hub/api/users/alice/tokens/{mine}'),
  alice('DELETE', '/hub/api/users/alice/tokens/{mine}'),
] satisfies ScriptedRequest[]

export const otherRequests = [
  nobody('GET', '/hub/api/services'),
  alice('GET', '/hub/api/services'),
  tester('GET', '/hub/api/services/nothing'),
  alice('GET', '/hub/api/services/tester'),
  tester('GET', '/hub/api/services/tester', undefined),
  tester('GET', '/hub/api/services'),
  nobody('GET', '/hub/api/proxy'),
  alice('GET', '/hub/api/proxy'),
  tester('POST', '/hub/api/proxy'),
  tester('PATCH', '/hub/api/proxy'),
  tester('PATCH', '/hub/api/proxy', []),
  tester('PATCH', '/hub/api/proxy', '{', words('plain-words')),
  nobody('GET', '/hub/metrics'),
  nobody('GET', '/hub/api/metrics', undefined, other('api-errors-are-json', 'content-type', 'body')),
  alice('GET', '/hub/metrics'),
] satisfies ScriptedRequest[]

export const pageRequests = [
  nobody('GET', '/'),
  nobody('GET', '/hub'),
  nobody('GET', '/hub/'),
  nobody('GET', '/hub/home'),
  nobody('GET', '/hub/home?x=1'),
  nobody('GET', '/hub/login'),
  nobody('GET', '/hub/login?next=%2Fhub%2Fhome'),
  nobody('GET', '/hub/login?next=https%3A%2F%2Fevil.example%2F'),
  nobody('GET', '/hub/logout', undefined, other('signed-out', 'location')),
  nobody('GET', '/hub/spawn'),
  nobody('GET', '/hub/spawn/alice'),
  nobody('GET', '/hub/spawn-pending/alice'),
  nobody('GET', '/hub/token'),
  nobody('GET', '/hub/user/alice/'),
  nobody('GET', '/hub/user-redirect/lab'),
  nobody('GET', '/hub/nothing'),
  nobody('GET', '/hub/error/404'),
  nobody('GET', '/hub/error/503'),
  nobody('POST', '/hub/nothing', undefined, other('xsrf-where-it-matters', 'status')),
  nobody('POST', '/hub/home', undefined, other('xsrf-where-it-matters', 'status')),
  nobody('POST', '/hub/login', 'username=alice&password=x', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  nobody('PUT', '/hub/home', undefined, other('xsrf-where-it-matters', 'status')),
  nobody('OPTIONS', '/hub/home'),
  nobody('GET', '/hub/static/nothing.css'),
  nobody('GET', '/hub/static/../../../etc/passwd'),
  nobody('GET', '/hub/home', undefined, sent('cookie', 'jupyterhub-hub-login=forged; jupyterhub-session-id=x')),
  nobody('GET', '/hub/home', undefined, sent('cookie', 'x'.repeat(20_000))),
  nobody('GET', '/hub/user/%2e%2e/'),
  nobody('GET', '/hub/user-redirect/../../x'),
  alice('GET', '/hub/home'),
  tester('GET', '/hub/home'),
] satisfies ScriptedRequest[]

/** Alice signed in with a browser: cookies instead of a token, and what other sites may make it do. */
export const browserRequests = [
  browser('GET', '/hub/'),
  browser('GET', '/hub/home'),
  browser('GET', '/hub/token'),
  browser('GET', '/hub/admin'),
  browser('GET', '/hub/spawn-pending/alice', undefined),
  browser('GET', '/hub/user/bob/'),
  browser('GET', '/hub/login'),
  browser('GET', '/hub/login?next=%2Fhub%2Fhome'),
  browser('GET', '/hub/login?next=https%3A%2F%2Fevil.example%2F'),
  browser('GET', '/hub/login?next=%2F%2Fevil.example%2F'),
  browser('GET', '/hub/api/user'),
  browser('GET', '/hub/api/user', undefined, sent('sec-fetch-mode', 'navigate')),
  browser('GET', '/hub/api/user', undefined, sent('sec-fetch-mode', 'cors')),
  browser('GET', '/hub/api/user?_xsrf={xsrf}', undefined, sent('sec-fetch-mode', 'cors')),
  browser('GET', '/hub/api/user?_xsrf=forged', undefined, sent('sec-fetch-mode', 'cors')),
  browser('GET', '/hub/api/users/alice/tokens?_xsrf={xsrf}'),
  browser('POST', '/hub/api/users/alice/tokens', { note: 'x' }),
  browser('POST', '/hub/api/users/alice/tokens?_xsrf=forged', { note: 'x' }),
  browser('POST', '/hub/api/users/alice/tokens?_xsrf={xsrf}', { note: 'x' }),
  browser('POST', '/hub/api/users/alice/tokens?_xsrf={xsrf}', '{"note": "x"}', sent('content-type', 'text/plain')),
  browser('POST', '/hub/api/users?_xsrf={xsrf}', { usernames: ['x'] }),
  browser('DELETE', '/hub/api/users/alice/tokens/a0'),
  browser('DELETE', '/hub/api/users/alice/tokens/a0?_xsrf={xsrf}'),
  browser('GET', '/hub/logout', undefined, other('signed-out', 'location')),
] satisfies ScriptedRequest[]

/** Servers that do not run. What starting one answers is compared where it is started. */
export const serverRequests = [
  nobody('GET', '/hub/api/users/bob/server'),
  alice('GET', '/hub/api/users/bob/server'),
  tester('GET', '/hub/api/users/bob/server'),
  tester('GET', '/hub/api/users/nobody/server'),
  tester('GET', '/hub/api/users/bob/servers/nothing'),
  tester('GET', '/hub/api/users/bob/server/progress', undefined, other('progress-of-stopped', 'status', 'message')),
  tester('GET', '/hub/api/users/nobody/server/progress'),
  tester('GET', '/hub/api/users/bob/servers/nothing/progress'),
  tester('DELETE', '/hub/api/users/bob/server'),
  tester('DELETE', '/hub/api/users/bob/server', { remove: true }),
  tester('DELETE', '/hub/api/users/nobody/server'),
  tester('DELETE', '/hub/api/users/bob/servers/nothing'),
  tester('POST', '/hub/api/users/nobody/server'),
  tester('POST', '/hub/api/users/bob/servers/Bad_Name'),
  alice('POST', '/hub/api/users/bob/server'),
  nobody('POST', '/hub/api/users/bob/server'),
  tester('POST', '/hub/api/users/bob/server', '{'),
  tester('GET', '/hub/api/users/bob?include_stopped_servers'),
  tester('POST', '/hub/api/users/bob/activity'),
  tester('POST', '/hub/api/users/bob/activity', {}),
  tester('POST', '/hub/api/users/bob/activity', { last_activity: 'yesterday' }),
  tester('POST', '/hub/api/users/bob/activity', { last_activity: '2099-01-01T00:00:00Z' }, words('plain-words')),
  tester('POST', '/hub/api/users/bob/activity', { servers: { nothing: { last_activity: '2026-01-01T00:00:00Z' } } }),
  tester('POST', '/hub/api/users/bob/activity', { last_activity: '2026-01-01T00:00:00Z' }),
  tester('POST', '/hub/api/users/nobody/activity', { last_activity: '2026-01-01T00:00:00Z' }, words('plain-words')),
  alice('POST', '/hub/api/users/bob/activity', { last_activity: '2026-01-01T00:00:00Z' }),
] satisfies ScriptedRequest[]
