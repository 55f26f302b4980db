/** The variables every template gets, under JupyterHub's names. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Identity, UserIdentity } from '../access/identity.ts'
import { escapePathSegment } from '../core/names.ts'
import { unparseScopes } from '../core/scopes/parse.ts'
import { serverUrl, userUrl } from '../core/subdomains.ts'
import type { PageDeps } from './deps.ts'

export type PageVars = Readonly<Record<string, unknown>>

/**
 * Renders a page for whoever asks and sends it. Pages hold names and tokens of a person, so nobody keeps a copy.
 * `authStateOf` names the user whose `auth_state` the template may use.
 */
export async function sendPage(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  page: { template: string; status?: number; vars?: PageVars; authStateOf?: string },
): Promise<FastifyReply> {
  const identity = await deps.access.identify(request)
  const xsrf = await deps.access.xsrf.token(request, reply)
  const html = deps.renderer.render(page.template, {
    ...(await identityVars(deps, identity)),
    xsrf,
    xsrf_token: xsrf,
    ...(page.authStateOf !== undefined && (await authStateVars(deps, identity, page.authStateOf))),
    ...page.vars,
  })
  return reply
    .code(page.status ?? 200)
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(html)
}

export async function identityVars(
  deps: Pick<PageDeps, 'settings' | 'authenticator' | 'services'>,
  identity: Identity | undefined,
): Promise<PageVars> {
  const { login } = deps.authenticator
  const common = { login_service: login.kind === 'redirect' ? login.label : '' }
  if (identity?.kind !== 'user') return common
  return {
    ...common,
    user: userVars(deps, identity),
    parsed_scopes: Object.fromEntries(identity.scopes),
    expanded_scopes: [...unparseScopes(identity.scopes)],
    services: (await deps.services?.accessible(identity)) ?? [],
    admin_access: identity.scopes.has('admin-ui'),
  }
}

/** JupyterHub gives it to whoever sees the page; here others than the user need the scope that the REST API asks for. */
async function authStateVars(deps: PageDeps, identity: Identity | undefined, name: string): Promise<PageVars> {
  const user = deps.authState && (await deps.users.find(name))
  if (!deps.authState || !user || identity?.kind !== 'user') return {}
  if (identity.id !== user.id && !identity.scopes.has('admin:auth_state')) return {}
  return { auth_state: await deps.authState(user) }
}

/** A user as JupyterHub's templates know one. */
export function userVars(
  deps: Pick<PageDeps, 'settings'>,
  user: Pick<UserIdentity, 'name' | 'admin' | 'groups'>,
): PageVars {
  return {
    name: user.name,
    escaped_name: escapePathSegment(user.name),
    json_escaped_name: JSON.stringify(user.name).slice(1, -1),
    admin: user.admin,
    groups: user.groups,
    url: userUrl(user.name, deps.settings),
    server_url: (server = '') => serverUrl({ user: user.name, server }, deps.settings),
  }
}
