/** Where a page sends people on: JupyterHub's `get_next_url`. */
import type { FastifyRequest } from 'fastify'
import { safeNext } from '../access/safe-next.ts'
import { wrongAnswer } from '../core/site-function.ts'
import { serverUrl } from '../core/subdomains.ts'
import type { PageDeps } from './deps.ts'
import { queryText } from './request-parts.ts'

/**
 * `?next=` when it stays on this site, else `fallback`, else the site's default: the user's server ('/hub/spawn' when
 * it does not run) or the home page. Arguments of the present address are kept unless `next` said where to go.
 */
export async function nextUrl(
  deps: PageDeps,
  request: FastifyRequest,
  options: { user?: { name: string }; fallback?: string; keepQuery?: boolean } = {},
): Promise<string> {
  const asked = ownAddress(deps, request, queryText(request, 'next'))
  if (asked) return asked
  const url = options.fallback || (await siteDefaultUrl(deps, options.user)) || (await usualUrl(deps, options.user))
  return options.keepQuery === false ? url : withQueryOf(request, url, ['next', '_xsrf'])
}

/** A `next` address as a path of this site; empty when it leads elsewhere. */
export function ownAddress(
  deps: Pick<PageDeps, 'settings'>,
  request: FastifyRequest,
  next: string | undefined,
): string {
  return safeNext(next, deps.settings.baseUrl, request.host, deps.settings.subdomains)
}

/** `pages.defaultUrl` for this visitor; empty where the site leaves it to the hub. */
export async function siteDefaultUrl(deps: PageDeps, user: { name: string } | undefined): Promise<string> {
  const { defaultUrl } = deps.settings
  if (typeof defaultUrl !== 'function') return defaultUrl ?? ''
  const chosen: unknown = (await defaultUrl(user && (await deps.users.find(user.name)))) ?? ''
  if (typeof chosen === 'string') return chosen
  throw wrongAnswer('pages.defaultUrl', 'an address or undefined')
}

async function usualUrl(deps: PageDeps, user: { name: string } | undefined): Promise<string> {
  const { baseUrl, redirectToServer } = deps.settings
  if (!user || !redirectToServer) return `${baseUrl}hub/home`
  const key = { user: user.name, server: '' }
  const server = await deps.servers.find(key)
  return isActive(server?.state.phase) ? serverUrl(key, deps.settings) : `${baseUrl}hub/spawn`
}

export function isActive(phase: string | undefined): boolean {
  return phase === 'ready' || phase === 'spawning' || phase === 'stopping'
}

/** Adds the present address's arguments to another address, except the named ones. */
export function withQueryOf(request: FastifyRequest, url: string, except: readonly string[]): string {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '')
  for (const name of except) query.delete(name)
  return withQuery(url, query)
}

export function withQuery(url: string, query: Readonly<Record<string, string>> | URLSearchParams): string {
  const text = new URLSearchParams(query as Record<string, string>).toString() // the constructor takes both
  return text === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${text}`
}
