/** The table's rows: an operation, what is sent, and how the tester makes it undone after each caller who could do it. */
import type { ScriptedRequest } from './requests.ts'
import type { TableCaller } from './table-world.ts'

type Step = Omit<ScriptedRequest, 'who' | 'differs'>

export interface Row extends Step {
  readonly undo?: readonly Step[]
  /** Default: all that the table tries. */
  readonly callers?: readonly TableCaller[]
}

type Rest = Omit<Row, 'method' | 'path' | 'body'>
const row = (method: string, path: string, body?: unknown, rest: Rest = {}): Row => ({
  method,
  path,
  ...(body !== undefined && { body }),
  ...rest,
})
const undo = (...steps: Step[]): Rest => ({ undo: steps })
const step = (method: string, path: string, body?: unknown): Step => row(method, path, body)

const STARTERS = ['nobody', 'ann', 'narrow', 'dan', 'limited', 'cleo', 'bob', 'bob without xsrf', 'boss'] as const
/** Where each success costs the start of a server. */
const starters: Pick<Rest, 'callers'> = { callers: STARTERS }
const SHARED_WITH_DAN = { user: 'dan', scopes: ['access:servers!server=bob/', 'read:servers!server=bob/'] }
const shareAgain = undo(step('POST', '/hub/api/shares/bob/', SHARED_WITH_DAN))
const eveAgain = undo(
  step('POST', '/hub/api/users/eve'),
  step('POST', '/hub/api/groups/red/users', { users: ['eve'] }),
  step('POST', '/hub/api/groups/blue/users', { users: ['eve'] }),
)
const named = (name: string) => `/hub/api/users/bob/servers/${name}`
const gone = (name: string) => undo(step('DELETE', named(name), { remove: true }))
const codeAgain = undo({ ...step('POST', '/hub/api/share-codes/bob/', {}), keepId: 'codeId', keepCode: 'code' })
const codesGone = undo(step('DELETE', '/hub/api/share-codes/bob/'), codeAgain.undo![0]!)

export const apiRows: readonly Row[] = [
  row('GET', '/hub/api'),
  row('GET', '/hub/api/'),
  row('GET', '/hub/api/info'),
  row('GET', '/hub/api/health'),
  row('HEAD', '/hub/api/health'),
  row('GET', '/hub/api/metrics'),
  row('GET', '/hub/api/user'),
  row('POST', '/hub/api/shutdown', { servers: 'maybe' }),
  row('GET', '/hub/api/authorizations/token/{secret}'),
  row('GET', '/hub/api/authorizations/token/wrong'),
  row('POST', '/hub/api/authorizations/token/wrong', {}),
  row('GET', '/hub/api/authorizations/token'),
  row('POST', '/hub/api/authorizations/token', {}),
  row('GET', '/hub/api/authorizations/cookie/jupyterhub-hub-login/wrong'),
  row('GET', '/hub/api/oauth2/authorize'),
  row('GET', '/hub/api/oauth2/authorize?client_id=nothing&response_type=code&redirect_uri=%2Fx'),
  row('POST', '/hub/api/oauth2/authorize', {}),
  row('POST', '/hub/api/oauth2/token', 'grant_type=authorization_code&client_id=nothing&client_secret=x&code=x', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  row('GET', '/hub/api/proxy', undefined, { callers: ['nobody', 'ann', 'cleo', 'limited'] }),
  row('POST', '/hub/api/proxy'),
  row('PATCH', '/hub/api/proxy', []),

  row('GET', '/hub/api/users'),
  row('GET', '/hub/api/users?limit=2&offset=1', undefined, {
    headers: { accept: 'application/jupyterhub-pagination+json' },
  }),
  row('POST', '/hub/api/users', { usernames: ['new'] }, undo(step('DELETE', '/hub/api/users/new'))),
  row('GET', '/hub/api/users/bob'),
  row('GET', '/hub/api/users/boss'),
  row('GET', '/hub/api/users/nothing'),
  row('POST', '/hub/api/users/new', undefined, undo(step('DELETE', '/hub/api/users/new'))),
  row('POST', '/hub/api/users/bob'),
  row('PATCH', '/hub/api/users/eve', { name: 'yves' }, undo(step('PATCH', '/hub/api/users/yves', { name: 'eve' }))),
  row(
    'PATCH',
    '/hub/api/users/bob',
    { admin: true },
    { callers: ['nobody', 'ann', 'bob', 'cleo', 'limited', 'tester'] },
  ),
  row('PATCH', '/hub/api/users/nothing', { name: 'other' }),
  row('DELETE', '/hub/api/users/eve', undefined, eveAgain),
  row('DELETE', '/hub/api/users/nothing'),
  row('POST', '/hub/api/users/bob/activity', { last_activity: '2026-01-01T00:00:00Z' }),
  row('POST', '/hub/api/users/bob/admin-access'),

  row('GET', '/hub/api/users/bob/tokens'),
  row('GET', '/hub/api/users/nothing/tokens'),
  row(
    'POST',
    '/hub/api/users/bob/tokens',
    { note: 'tried', expires_in: 60 },
    { keepId: 'tried', ...undo(step('DELETE', '/hub/api/users/bob/tokens/{tried}')) },
  ),
  row('POST', '/hub/api/users/nothing/tokens', {}),
  row('GET', '/hub/api/users/bob/tokens/{token}'),
  row('DELETE', '/hub/api/users/bob/tokens/{token}', undefined, {
    ...undo({ ...step('POST', '/hub/api/users/bob/tokens', { note: 'spare' }), keepId: 'token' }),
  }),
  row('GET', '/hub/api/users/bob/tokens/wrong'),

  row('GET', '/hub/api/users/bob/server'),
  row('GET', '/hub/api/users/bob/server/progress'),
  row('PUT', '/hub/api/users/bob/server', {}),
  row('PATCH', '/hub/api/users/bob/server', {}),
  row('DELETE', '/hub/api/users/bob/server'),
  row('POST', '/hub/api/users/bob/server', undefined, {
    ...starters,
    ...undo(step('DELETE', '/hub/api/users/bob/server')),
  }),
  row('GET', named('lab')),
  row('GET', `${named('lab')}/progress`),
  row('PUT', named('lab'), { display_name: 'A lab' }, gone('lab')),
  row('POST', named('Bad_Name'), {}),
  row('POST', named('lab'), {}, { callers: ['nobody', 'ann', 'narrow', 'dan', 'bob'], ...gone('lab') }),
  row('PUT', named('keep'), {}, { callers: ['tester'] }),
  row('GET', named('keep')),
  row('PATCH', named('keep'), { display_name: 'Kept' }),
  row('DELETE', named('keep')),
  row('DELETE', named('keep'), { remove: true }, undo(step('PUT', named('keep'), {}))),

  row('GET', '/hub/api/groups'),
  row('POST', '/hub/api/groups', { groups: ['green'] }, undo(step('DELETE', '/hub/api/groups/green'))),
  row('GET', '/hub/api/groups/red'),
  row('GET', '/hub/api/groups/nothing'),
  row('POST', '/hub/api/groups/green', {}, undo(step('DELETE', '/hub/api/groups/green'))),
  row(
    'POST',
    '/hub/api/groups/red/users',
    { users: ['ann'] },
    undo(step('DELETE', '/hub/api/groups/red/users', { users: ['ann'] })),
  ),
  row(
    'DELETE',
    '/hub/api/groups/red/users',
    { users: ['eve'] },
    undo(step('POST', '/hub/api/groups/red/users', { users: ['eve'] })),
  ),
  row('PUT', '/hub/api/groups/red/properties', { room: 7 }),
  row('DELETE', '/hub/api/groups/blue', undefined, undo(step('POST', '/hub/api/groups/blue', { users: ['eve'] }))),

  row('GET', '/hub/api/services'),
  row('GET', '/hub/api/services/limited'),
  row('GET', '/hub/api/services/nothing'),
  row('POST', '/hub/api/services/added', {}, undo(step('DELETE', '/hub/api/services/added'))),
  row('DELETE', '/hub/api/services/nothing'),

  row('GET', '/hub/api/shares/bob'),
  row('GET', '/hub/api/shares/bob/'),
  row('GET', '/hub/api/shares/nothing'),
  row('POST', '/hub/api/shares/bob', { user: 'ann' }),
  row('POST', '/hub/api/shares/bob/', { user: 'ann' }, undo(step('PATCH', '/hub/api/shares/bob/', { user: 'ann' }))),
  row('PATCH', '/hub/api/shares/bob', { user: 'dan' }),
  row('PATCH', '/hub/api/shares/bob/', { user: 'dan' }, shareAgain),
  row('DELETE', '/hub/api/shares/bob'),
  row('DELETE', '/hub/api/shares/bob/', undefined, shareAgain),
  row('GET', '/hub/api/users/dan/shared'),
  row('GET', '/hub/api/users/bob/shared'),
  row('GET', '/hub/api/groups/red/shared'),
  row('GET', '/hub/api/users/dan/shared/bob/'),
  row('DELETE', '/hub/api/users/dan/shared/bob/', undefined, shareAgain),
  row('POST', '/hub/api/shares/bob/', { group: 'red' }, { callers: ['tester'] }),
  row('GET', '/hub/api/groups/red/shared/bob/'),
  row(
    'DELETE',
    '/hub/api/groups/red/shared/bob/',
    undefined,
    undo(step('POST', '/hub/api/shares/bob/', { group: 'red' })),
  ),
  row('DELETE', '/hub/api/groups/red/shared/bob/', undefined, { callers: ['tester'] }),

  row('GET', '/hub/api/share-codes/bob'),
  row('GET', '/hub/api/share-codes/bob/'),
  row('POST', '/hub/api/share-codes/bob', {}),
  row('POST', '/hub/api/share-codes/bob/', {}, codesGone),
  row('DELETE', '/hub/api/share-codes/bob'),
  row('DELETE', '/hub/api/share-codes/bob/?id={codeId}', undefined, codeAgain),
  row('DELETE', '/hub/api/share-codes/bob/?code=wrong'),
]

const VISITORS = ['nobody', 'bob', 'ann by cookie', 'bob by cookie', 'boss by cookie', 'bob on another site'] as const
const visitors: Rest = { callers: VISITORS }
const page = (path: string): Row => row('GET', path, undefined, visitors)
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const form = (path: string, fields = ''): Row =>
  row('POST', path, `_xsrf={xsrf}&${fields}`, { callers: [...VISITORS, 'bob without xsrf'], headers: FORM })

export const pageRows: readonly Row[] = [
  page('/hub'),
  page('/hub/'),
  page('/hub/home'),
  page('/hub/admin'),
  page('/hub/token'),
  page('/hub/login'),
  page('/hub/login?next=%2Fhub%2Ftoken'),
  page('/hub/spawn-pending/bob'),
  page('/hub/spawn-pending/bob/lab'),
  page('/hub/spawn-pending/nothing'),
  row('GET', '/hub/spawn', undefined, { callers: ['nobody', 'bob'] }),
  row('GET', '/hub/spawn/bob', undefined, { callers: ['nobody', 'bob', 'ann by cookie'] }),
  page('/hub/spawn/nothing'),
  row('GET', '/hub/spawn/bob/Bad_Name', undefined, { callers: ['nobody', 'ann by cookie', 'bob by cookie'] }),
  row('POST', '/hub/spawn', '', {
    callers: ['nobody', 'bob', 'bob without xsrf', 'bob on another site'],
    headers: FORM,
  }),
  row('POST', '/hub/spawn/bob', '_xsrf={xsrf}', {
    callers: ['nobody', 'bob', 'bob without xsrf', 'bob on another site', 'ann by cookie'],
    headers: FORM,
  }),
  row('POST', '/hub/spawn/bob/lab', '_xsrf={xsrf}', {
    callers: ['nobody', 'bob', 'bob without xsrf', 'bob on another site', 'ann by cookie'],
    headers: FORM,
  }),
  page('/hub/user-redirect/lab/tree/x?y=1'),
  page('/hub/user-redirect/'),
  page('/hub/user/bob/lab'),
  page('/hub/user/bob'),
  page('/hub/user/bob/keep/lab'),
  page('/hub/user/nothing/lab'),
  row('POST', '/hub/user/bob/api/contents', {}, visitors),
  row('PATCH', '/hub/user/bob/api/contents', {}, visitors),
  row('DELETE', '/hub/user/bob/api/contents', undefined, visitors),
  page('/hub/accept-share'),
  page('/hub/accept-share?code=wrong'),
  page('/hub/accept-share?code={code}'),
  form('/hub/accept-share', 'code=wrong'),
  form('/hub/security/csp-report', 'x=1'),
  row('POST', '/hub/security/csp-report', { 'csp-report': {} }, visitors),
  page('/hub/error/404'),
  page('/hub/error/503'),
  page('/hub/error/999'),
  page('/hub/error/abc'),
  page('/hub/health'),
  row('HEAD', '/hub/health', undefined, visitors),
  row('GET', '/hub/metrics', undefined, { callers: [...VISITORS, 'limited'] }),
  page('/hub/nothing'),
  form('/hub/login', 'username=&password='),
]

/** After these there is nothing left to try. */
export const lastRows: readonly Row[] = [
  row('GET', '/hub/logout', undefined, { callers: ['nobody', 'bob', 'ann by cookie', 'bob on another site'] }),
  row('DELETE', '/hub/api/users/bob', undefined, { callers: ['nobody', 'ann', 'bob', 'limited', 'cleo'] }),
]

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** An address pattern of the released hub and the methods that it takes there. */
export interface Endpoint {
  readonly pattern: RegExp
  readonly methods: readonly string[]
}

/** Methods that a path does not have, tried by those who would be let in. */
export function otherMethods(
  rows: readonly Row[],
  endpoints: readonly Endpoint[],
  callers: readonly TableCaller[],
): Row[] {
  const paths = [...new Set(rows.map(pathOf))]
  return paths.flatMap(path => {
    const endpoint = endpoints.find(({ pattern }) => pattern.test(path))
    const missing = METHODS.filter(method => !endpoint?.methods.includes(method))
    return missing.map(method => row(method, path, undefined, { callers }))
  })
}

/** What the released hub has and no row tries. */
export function untried(rows: readonly Row[], endpoints: readonly Endpoint[]): string[] {
  return endpoints.flatMap(({ pattern, methods }) =>
    methods
      .filter(method => !rows.some(given => given.method === method && pattern.test(pathOf(given))))
      .map(method => `${method} ${pattern.source}`),
  )
}

function pathOf({ path }: Row): string {
  return path.split('?')[0]!
}
