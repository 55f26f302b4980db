import type { FastifyInstance } from 'fastify'
import { isApiPath, pathOf } from './api-path.ts'

/** What single-user servers and clients compare their own version with. */
export const JUPYTERHUB_VERSION = '6.1.1'

export interface HeaderOptions {
  /** Begins and ends with a slash. */
  baseUrl: string
  /**
   * Set on every response, over the ones below; JupyterHub's `tornado_settings['headers']`. A `Content-Security-Policy`
   * replaces ours directive by directive: who allows a frame does not allow foreign scripts with it.
   */
  headers?: Readonly<Record<string, string>>
}

/**
 * The headers of every response, errors included. A route may set its own afterwards: pages with a nonce, static files
 * with a cache time. Values of the configuration win over ours.
 */
export function addSecurityHeaders(server: FastifyInstance, options: HeaderOptions): void {
  const own = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const { 'content-security-policy': policy = '', ...others } = own
  const common = {
    'x-jupyterhub-version': JUPYTERHUB_VERSION,
    'access-control-allow-headers': 'accept, content-type, authorization',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  }
  const ofPages = {
    ...common,
    'content-security-policy': withDirectives(pagePolicy(options.baseUrl), policy),
    ...others,
  }
  const apiHeaders = {
    'content-security-policy': withDirectives(apiPolicy(options.baseUrl), policy),
    'cache-control': 'no-store',
  }
  const ofApi = { ...common, ...apiHeaders, ...others }
  // The one address that scripts of every origin may read, and so may ask whether they may.
  const ofApiRoot = { ...common, ...apiHeaders, 'access-control-allow-origin': '*', ...others }
  const apiRoots = [`${options.baseUrl}hub/api`, `${options.baseUrl}hub/api/`]
  server.addHook('onRequest', (request, reply, done) => {
    const isApi = isApiPath(request.url, options.baseUrl)
    reply.headers(!isApi ? ofPages : apiRoots.includes(pathOf(request.url)) ? ofApiRoot : ofApi)
    done()
  })
}

/** A policy in which the directives of another one stand in place of its own of the same name. */
export function withDirectives(policy: string, other: string): string {
  const directives = new Map(directivesOf(policy))
  const chosen = new Set<string>()
  for (const [name, text] of directivesOf(other)) {
    if (!chosen.has(name)) directives.set(name, text) // browsers heed the first of a name
    chosen.add(name)
  }
  return [...directives.values()].join('; ')
}

function directivesOf(policy: string): [name: string, text: string][] {
  return policy
    .split(';')
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => [text.split(/\s/, 1)[0]!.toLowerCase(), text])
}

/** Exactly JupyterHub's for its API. */
export function apiPolicy(baseUrl: string): string {
  return `frame-ancestors 'none'; report-uri ${baseUrl}hub/security/csp-report; default-src 'none'`
}

/**
 * No script but our own files. No `form-action`: Chromium holds it against the redirect after a form, and the OAuth
 * confirmation page redirects to services on other hosts.
 */
export function pagePolicy(baseUrl: string): string {
  return [
    "default-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'self'",
    "frame-ancestors 'none'",
    `report-uri ${baseUrl}hub/security/csp-report`,
  ].join('; ')
}
