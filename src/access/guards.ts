import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import { HubError } from '../core/errors.ts'
import { hasScope, scopeReach } from '../core/scopes/reach.ts'
import type { ScopeMap, ScopeTarget } from '../core/scopes/types.ts'
import type { Access } from './access.ts'
import type { Identity, UserIdentity } from './identity.ts'

/** What a request is about, from its path; the groups of the user are looked up where a filter needs them. */
export type TargetOf = (request: FastifyRequest) => ScopeTarget | undefined

/**
 * For pages: who is not signed in is sent to the login page and comes back; other methods answer 403. What changes
 * something carries the xsrf token.
 */
export function requireSignedIn(access: Access, options: { loginUrl?: string } = {}): preHandlerAsyncHookHandler {
  const loginUrl = options.loginUrl ?? `${access.baseUrl}hub/login`
  return async (request, reply) => {
    await checkPageXsrf(access, request, reply)
    const identity = await access.identify(request)
    if (identity) return
    if (request.method !== 'GET' && request.method !== 'HEAD') throw forbidden()
    const separator = loginUrl.includes('?') ? '&' : '?'
    await reply.redirect(`${loginUrl}${separator}next=${encodeURIComponent(request.url)}`)
  }
}

/** For pages that everybody may see but whose forms must be their own: the login form, sign-up. */
export function requireXsrf(access: Access): preHandlerAsyncHookHandler {
  return (request, reply) => checkPageXsrf(access, request, reply)
}

/**
 * For the API: any one of the scopes, held for what the request is about. As JupyterHub's `needs_scope`: 403 without
 * a login or the scope; 404, as for what does not exist, when the scope is held for other resources only.
 * `filtered`: some reach is enough, the handler narrows its answer by it (lists).
 */
export function requireScope(
  access: Access,
  scope: string | readonly string[],
  targetOf?: TargetOf,
  options: { filtered?: boolean } = {},
): preHandlerAsyncHookHandler {
  const anyOf = [scope].flat()
  return async (request, reply) => {
    await access.xsrf.checkApi(request, reply)
    const identity = await access.identify(request)
    if (!identity) throw missingCredentials()
    const target = targetOf?.(request)
    if (await permits(access, identity.scopes, anyOf, target, options.filtered ?? false)) return
    if (target && anyOf.some(name => scopeReach(identity.scopes, name) !== undefined)) throw notFound()
    throw new HubError('scope_missing', {
      status: 403,
      message: `Action is not authorized with current scopes; requires any of [${anyOf.join(', ')}]`,
    })
  }
}

/** For the API: somebody, whatever they may do. */
export function requireIdentity(access: Access): preHandlerAsyncHookHandler {
  return async (request, reply) => {
    await access.xsrf.checkApi(request, reply)
    if (!(await access.identify(request))) throw missingCredentials()
  }
}

/** Within a handler: may the caller do this to that? Looks groups up where a filter needs them. */
export async function may(access: Access, identity: Identity, scope: string, target?: ScopeTarget): Promise<boolean> {
  return permits(access, identity.scopes, [scope], target, false)
}

/** The identity behind a guard. Throws HubError `not_signed_in` where no guard stood. */
export async function getIdentity(access: Access, request: FastifyRequest): Promise<Identity> {
  const identity = await access.identify(request)
  if (!identity) throw missingCredentials()
  return identity
}

/** The user behind a guard; services have no pages. */
export async function getUser(access: Access, request: FastifyRequest): Promise<UserIdentity> {
  const identity = await getIdentity(access, request)
  if (identity.kind !== 'user') throw forbidden()
  return identity
}

async function permits(
  access: Access,
  scopes: ScopeMap,
  anyOf: readonly string[],
  target: ScopeTarget | undefined,
  filtered: boolean,
): Promise<boolean> {
  if (filtered && !target && anyOf.some(name => scopeReach(scopes, name) !== undefined)) return true
  if (anyOf.some(name => hasScope(scopes, name, target))) return true
  if (target?.user === undefined || target.groups) return false
  const byGroup = anyOf.filter(name => {
    const reach = scopeReach(scopes, name)
    return reach !== undefined && reach !== 'all' && reach.group !== undefined
  })
  if (byGroup.length === 0) return false
  const withGroups = { ...target, groups: await access.groupsOf(target.user) }
  return byGroup.some(name => hasScope(scopes, name, withGroups))
}

async function checkPageXsrf(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return
  await access.xsrf.check(request, reply)
}

function missingCredentials(): HubError {
  return new HubError('not_signed_in', { status: 403, message: 'Missing or invalid credentials.' })
}

function forbidden(): HubError {
  return new HubError('forbidden', { status: 403, message: 'You may not do this.' })
}

function notFound(): HubError {
  return new HubError('not_found', { status: 404, message: 'No access to resources or resources not found' })
}
