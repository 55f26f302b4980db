/** Who may see a page: what is asked before a handler runs. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../access/identity.ts'
import { HubError } from '../core/errors.ts'
import { hasScope } from '../core/scopes/reach.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { PageDeps } from './deps.ts'

type PageHandler = (request: FastifyRequest, reply: FastifyReply, me: UserIdentity) => Promise<FastifyReply>

/**
 * For people with a login cookie. Others are sent to the login page and come back; what is not a plain visit is refused
 * with 403, as tornado's `authenticated` does. API tokens open no pages, except where `byToken` says so.
 */
export function signedIn(deps: PageDeps, handler: PageHandler, options: { byToken?: boolean } = {}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const identity = await deps.access.identify(request)
    const known = identity?.kind === 'user' && (options.byToken || identity.proof.by === 'cookie')
    if (known) return handler(request, reply, identity)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new HubError('not_signed_in', {
        status: 403,
        message: 'You are not signed in.',
        nextStep: 'Sign in and try again.',
      })
    }
    return reply.redirect(`${deps.settings.baseUrl}hub/login?next=${encodeURIComponent(request.url)}`)
  }
}

/** As `signedIn`, for forms that change something: the `_xsrf` field must be right. */
export function signedInForm(deps: PageDeps, handler: PageHandler) {
  return signedIn(deps, async (request, reply, me) => {
    await deps.access.xsrf.check(request, reply)
    return handler(request, reply, me)
  })
}

/**
 * The user whose servers a page is about. A user one may not reach looks the same as one that does not exist (404);
 * whoever lacks the scope altogether gets 403. That is how JupyterHub answers.
 */
export async function reachUser(
  deps: PageDeps,
  me: UserIdentity,
  target: { user: string; server?: string },
  scope = 'servers',
): Promise<UserRecord> {
  if (!me.scopes.has(scope)) {
    throw new HubError('scope_missing', {
      status: 403,
      message: `This needs the permission ${scope}.`,
      nextStep: 'Ask an administrator for it.',
    })
  }
  const user = await deps.users.find(target.user)
  const server = target.server === undefined ? {} : { server: target.server }
  const reached = user !== undefined && hasScope(me.scopes, scope, { user: user.name, groups: user.groups, ...server })
  if (!reached)
    throw new HubError('not_found', { status: 404, message: 'No access to resources or resources not found' })
  return user
}

export function requireAdminUi(me: UserIdentity): void {
  if (me.scopes.has('admin-ui')) return
  throw new HubError('scope_missing', {
    status: 403,
    message: 'This page is for administrators: it needs the permission admin-ui.',
    nextStep: 'Ask an administrator for it.',
  })
}
