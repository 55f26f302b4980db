/**
 * Pages that an authenticator brings (sign-up, OAuth callback, approval) as routes below '/hub/'. Authenticators know
 * no web framework: they answer with the name of a page, a redirect, or a proven identity.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Identity, UserIdentity } from '../access/identity.ts'
import { HubError } from '../core/errors.ts'
import type { PluginRequest, PluginResponse, PluginRouter } from '../plugin/authenticator.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { PageDeps } from './deps.ts'
import { nextUrl, ownAddress } from './next-url.ts'
import { requireAdminUi, signedIn } from './page-guards.ts'
import { sendPage } from './page-vars.ts'
import { formFields } from './request-parts.ts'
import { TemplateTime } from './template-time.ts'

type PluginHandler = (request: PluginRequest) => Promise<PluginResponse>
type PluginAccess = Parameters<PluginRouter['get']>[1]

/** Time a plug-in has for one request, for example to ask its provider. */
const PATIENCE_MS = 30_000

export function pluginRoutes(app: FastifyInstance, deps: PageDeps): void {
  const place = (path: string) => `/hub/${path.replace(/^\/+/, '')}`

  deps.authenticator.routes?.({
    get: (path, access, handler) => void app.get(place(path), routeHandler(deps, access, handler)),
    post: (path, access, handler) =>
      void app.post(place(path), routeHandler(deps, access, handler, { checkXsrf: true })),
  })
}

function routeHandler(
  deps: PageDeps,
  access: PluginAccess,
  handler: PluginHandler,
  options: { checkXsrf?: boolean } = {},
) {
  const run = async (request: FastifyRequest, reply: FastifyReply, identity: Identity | undefined) => {
    if (options.checkXsrf) await deps.access.xsrf.check(request, reply)
    const user = identity?.kind === 'user' && identity.proof.by === 'cookie' ? userRecord(identity) : undefined
    const aborted = AbortSignal.timeout(PATIENCE_MS)
    return respond(deps, request, reply, await handler(pluginRequest(deps, request, user, aborted)))
  }
  if (access === 'everyone') {
    return async (request: FastifyRequest, reply: FastifyReply) =>
      run(request, reply, await deps.access.identify(request))
  }
  return signedIn(deps, async (request, reply, me) => {
    if (access === 'admin') requireAdminUi(me)
    return run(request, reply, me)
  })
}

function pluginRequest(
  deps: PageDeps,
  request: FastifyRequest,
  user: UserRecord | undefined,
  signal: AbortSignal,
): PluginRequest {
  return {
    query: textsOf(request.query),
    form: formFields(request),
    params: textsOf(request.params),
    user,
    address: request.ip,
    context: { log: deps.log.child({ authenticator: deps.authenticator.name }), signal, now: () => deps.clock.now() },
    hubUrl: path => `${deps.settings.baseUrl}hub/${path.replace(/^\/+/, '')}`,
    throttle: (key, limit) => deps.signIn.throttle(key, limit),
  }
}

async function respond(deps: PageDeps, request: FastifyRequest, reply: FastifyReply, response: PluginResponse) {
  if ('page' in response) {
    return sendPage(deps, request, reply, {
      template: response.page,
      status: response.status ?? 200,
      vars: withTemplateTimes(response.vars ?? {}) as Record<string, unknown>, // a record stays a record
    })
  }
  if ('redirect' in response) return reply.redirect(response.redirect, 303)

  const outcome = await deps.signIn.admit(response.signedIn, request.ip)
  if ('refused' in outcome) {
    if (outcome.retryAfter !== undefined) reply.header('retry-after', String(outcome.retryAfter))
    throw new HubError(outcome.refused, { status: outcome.status ?? 403, message: outcome.message })
  }
  await deps.access.signIn(reply, request, outcome.user)
  const next = ownAddress(deps, request, response.next)
  return reply.redirect(next || (await defaultNext(deps, request, outcome.user)), 303)
}

// The address of a callback or a one-time link holds secrets of its own; none of it goes on.
function defaultNext(deps: PageDeps, request: FastifyRequest, user: { name: string }): Promise<string> {
  return nextUrl(deps, request, { user, keepQuery: false })
}

function userRecord({ id, name, admin, groups }: UserIdentity): UserRecord {
  return { id, name, admin, groups }
}

function textsOf(values: unknown): Record<string, string> {
  const entries = Object.entries((values ?? {}) as Record<string, unknown>) // queries and params are records
  return Object.fromEntries(entries.map(([name, value]) => [name, String([value].flat()[0] ?? '')]))
}

function withTemplateTimes(value: unknown): unknown {
  if (value instanceof Date) return new TemplateTime(value)
  if (Array.isArray(value)) return value.map(withTemplateTimes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withTemplateTimes(part)]))
}
