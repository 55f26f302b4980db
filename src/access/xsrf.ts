import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../core/errors.ts'
import type { Clock } from '../core/runtime.ts'
import { readCookies } from './cookie-header.ts'
import { type Cookies, XSRF_COOKIE } from './cookies.ts'
import type { Identity } from './identity.ts'
import { stateOf } from './request-state.ts'
import { readSignedValue, signValue } from './signed-cookie.ts'
import { sameText } from './token-format.ts'

const MAX_AGE_DAYS = 31

/**
 * Tokens against cross-site requests, as `jupyterhub/_xsrf_utils.py` makes them: the cookie `_xsrf` is the token, a
 * signed value in URL-safe base64 of `<session id>:<cookie id of the user>`, so it ends with the login. Forms and
 * scripts repeat it as `_xsrf` or in `X-XSRFToken`.
 */
export interface Xsrf {
  /** The token for a page; sets the cookie when the browser has none that fits this login. */
  token(request: FastifyRequest, reply: FastifyReply): Promise<string>
  /** Sets the cookie again, so that its term starts anew (the login page does). */
  renew(request: FastifyRequest, reply: FastifyReply): Promise<string>
  /** As `check`, for the API: callers without any login are told of that instead, unless another site's page calls. */
  checkApi(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Throws HubError `xsrf_missing` or `xsrf_wrong` (403) when this request needs a token and has not the right one. */
  check(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

export function createXsrf(deps: {
  secret: Uint8Array
  cookies: Cookies
  clock: Clock
  identify(request: FastifyRequest): Promise<Identity | undefined>
  /** The session id; a new one is made, and its cookie set, when a signed-in user has none. */
  session(request: FastifyRequest, reply: FastifyReply, make: boolean): string | undefined
}): Xsrf {
  const { secret, cookies, clock } = deps

  return {
    token,
    async renew(request, reply) {
      const value = await token(request, reply)
      if (isNavigation(request))
        cookies.setXsrf(reply, value, (await deps.identify(request)) ? 'signed-in' : 'anonymous')
      return value
    },
    check,
    async checkApi(request, reply) {
      if (request.method === 'HEAD' || request.method === 'OPTIONS') return
      if (!(await deps.identify(request)) && request.headers.origin === undefined) return
      await check(request, reply)
    },
  }

  async function check(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const identity = await deps.identify(request)
    if (identity?.proof.by === 'token' || !needsToken(request)) return
    const given = givenToken(request)
    if (!given) {
      throw new HubError('xsrf_missing', { status: 403, message: `'_xsrf' argument missing from ${request.method}` })
    }
    if (!sameText(given, await token(request, reply))) {
      throw new HubError('xsrf_wrong', {
        status: 403,
        message: `XSRF cookie does not match ${request.method} argument`,
        nextStep: 'Load the page again and repeat what you did.',
      })
    }
  }

  async function token(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const state = stateOf(request)
    const identity = await deps.identify(request)
    state.xsrfToken ??= fittingToken(request, reply, identity)
    return state.xsrfToken
  }

  function fittingToken(request: FastifyRequest, reply: FastifyReply, identity: Identity | undefined): string {
    const id = tokenId(request, reply, identity)
    const held = readXsrfCookie(request)
    if (held?.id === id) return held.token
    const made = Buffer.from(signValue(secret, XSRF_COOKIE, id, clock.now())).toString('base64url')
    // Only pages set it: a script of another page must not be able to change what that page holds.
    if (isNavigation(request)) cookies.setXsrf(reply, made, identity ? 'signed-in' : 'anonymous')
    return made
  }

  function tokenId(request: FastifyRequest, reply: FastifyReply, identity: Identity | undefined): string {
    if (identity?.kind === 'service') return ':'
    if (identity) return `${deps.session(request, reply, true)}:${stateOf(request).cookieId ?? ''}`
    return `${deps.session(request, reply, false) ?? 'None'}:${anonymousId(request)}` // 'None' as Python writes it
  }

  /** The first genuine one: single-user servers set cookies of the same name on paths of their own. */
  function readXsrfCookie(request: FastifyRequest): { token: string; id: string } | undefined {
    for (const token of readCookies(request.headers.cookie, XSRF_COOKIE)) {
      const raw = Buffer.from(token, 'base64url').toString('latin1')
      const id = readSignedValue(secret, XSRF_COOKIE, raw, { maxAgeDays: MAX_AGE_DAYS, now: clock.now() })
      if (id !== undefined) return { token, id }
    }
    return undefined
  }
}

/** Page views, WebSockets (which have a check of their own) and same-origin images need no token. */
function needsToken(request: FastifyRequest): boolean {
  const mode = request.headers['sec-fetch-mode'] ?? 'unspecified'
  const site = request.headers['sec-fetch-site'] ?? 'unspecified'
  const readOnly = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS'
  if (mode === 'websocket') return false
  if (mode === 'navigate' || mode === 'unspecified') return !readOnly
  return !(mode === 'no-cors' && site === 'same-origin' && readOnly)
}

/** Browsers name the mode on https and localhost only; without it we take a request for a page view. */
function isNavigation(request: FastifyRequest): boolean {
  return (request.headers['sec-fetch-mode'] ?? 'navigate') === 'navigate'
}

function givenToken(request: FastifyRequest): string | undefined {
  const isForm = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(
    request.headers['content-type'] ?? '',
  )
  return (
    (isForm ? field(request.body, '_xsrf') : undefined) ??
    field(request.query, '_xsrf') ??
    field(request.headers, 'x-xsrftoken') ??
    field(request.headers, 'x-csrftoken')
  )
}

function field(source: unknown, name: string): string | undefined {
  if (typeof source !== 'object' || source === null || !Object.hasOwn(source, name)) return undefined
  const value = (source as Record<string, unknown>)[name] // an object by the line above
  const last = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' && last !== '' ? last : undefined
}

/** Somebody not signed in yet: bound to address and browser, for the hour that a login may take. */
function anonymousId(request: FastifyRequest): string {
  const hash = createHash('sha256')
    .update(request.ip)
    .update(request.headers['user-agent'] ?? '')
    .update(Buffer.of(0xff))
  return hash.digest('base64').replaceAll('+', '-').replaceAll('/', '_')
}
