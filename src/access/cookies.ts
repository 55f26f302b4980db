import type { FastifyReply, FastifyRequest } from 'fastify'
import { type CookieAttributes, cookieLine, readCookies } from './cookie-header.ts'
import { readSignedValue, signValue } from './signed-cookie.ts'

/** How this hub's cookies are made: names, paths and options as JupyterHub 6 sets them. */
export interface CookieOptions {
  /** Ends with a slash: `/` or `/jupyter/`. */
  readonly baseUrl: string
  readonly secret: Uint8Array
  /** Days that a login lasts. */
  readonly maxAgeDays: number
  /** Cookies are `Secure` where this address is https, and for requests that came by https. */
  readonly publicUrl?: URL | undefined
  /** `__Host-` in front of the login cookie; it then lies on `/` and needs https. */
  readonly hostPrefix?: boolean | undefined
  /** Set when servers have subdomains of their own, so that they see the session id. */
  readonly sessionDomain?: string | undefined
  /** JupyterHub's `tornado_settings['cookie_options']`. */
  readonly overrides?: Pick<CookieAttributes, 'sameSite' | 'secure' | 'domain'> | undefined
}

export const SESSION_COOKIE = 'jupyterhub-session-id'
export const XSRF_COOKIE = '_xsrf'
const LOGIN_COOKIE = 'jupyterhub-hub-login'
/** Tornado's default for signed cookies; how long one is accepted is decided when it is read. */
const LOGIN_COOKIE_DAYS = 30
const ANONYMOUS_XSRF_SECONDS = 3600
const DAY_MS = 86_400_000

export interface Cookies {
  readonly loginCookieName: string
  /** Path of the login and xsrf cookies: `/hub/`. */
  readonly hubPath: string
  /** The `cookie_id`s of all login cookies that are genuine and fresh, most specific path first. */
  readLogins(request: FastifyRequest, now: Date): string[]
  hasLogin(request: FastifyRequest): boolean
  readSession(request: FastifyRequest): string | undefined
  setLogin(reply: FastifyReply, request: FastifyRequest, cookieId: string, now: Date): void
  setSession(reply: FastifyReply, request: FastifyRequest, sessionId: string): void
  setXsrf(reply: FastifyReply, token: string, who: 'signed-in' | 'anonymous'): void
  clearLogin(reply: FastifyReply, now: Date): void
  /** Everything that a login has set. */
  clearAll(reply: FastifyReply, now: Date): void
}

export function createCookies(options: CookieOptions): Cookies {
  const hubPath = `${options.baseUrl}hub/`
  const loginCookieName = options.hostPrefix ? `__Host-${LOGIN_COOKIE}` : LOGIN_COOKIE
  const { overrides = {} } = options
  const isSecure = (request: FastifyRequest) => options.publicUrl?.protocol === 'https:' || request.protocol === 'https'
  const guarded = (request: FastifyRequest, path: string): CookieAttributes => ({
    path,
    httpOnly: true,
    secure: isSecure(request),
    ...overrides,
  })
  const forLogin = (attributes: CookieAttributes): CookieAttributes => {
    if (!options.hostPrefix) return attributes
    const { domain: _, ...rest } = attributes // browsers refuse a __Host- cookie with a domain
    return { ...rest, path: '/', secure: true }
  }
  const forSession = (attributes: CookieAttributes): CookieAttributes =>
    options.sessionDomain ? { ...attributes, domain: options.sessionDomain } : attributes
  // A cookie is found again by name, path and domain.
  const gone = (now: Date, path: string): CookieAttributes => ({
    path,
    expires: new Date(now.getTime() - 365 * DAY_MS),
    ...(overrides.domain && { domain: overrides.domain }),
  })

  return {
    loginCookieName,
    hubPath,
    readLogins: (request, now) =>
      readCookies(request.headers.cookie, loginCookieName)
        .map(raw => readSignedValue(options.secret, loginCookieName, raw, { maxAgeDays: options.maxAgeDays, now }))
        .filter(value => value !== undefined && value !== '') as string[], // the filter leaves texts only
    hasLogin: request => readCookies(request.headers.cookie, loginCookieName).some(value => value !== ''),
    readSession: request => readCookies(request.headers.cookie, SESSION_COOKIE).find(isSessionId),
    setLogin: (reply, request, cookieId, now) => {
      const expires = new Date(now.getTime() + LOGIN_COOKIE_DAYS * DAY_MS)
      const value = signValue(options.secret, loginCookieName, cookieId, now)
      setCookie(reply, loginCookieName, value, forLogin({ ...guarded(request, hubPath), expires }))
    },
    setSession: (reply, request, sessionId) =>
      setCookie(reply, SESSION_COOKIE, sessionId, forSession(guarded(request, options.baseUrl))),
    setXsrf: (reply, token, who) =>
      setCookie(reply, XSRF_COOKIE, token, {
        ...overrides,
        path: hubPath,
        ...(who === 'anonymous' ? { maxAgeSeconds: ANONYMOUS_XSRF_SECONDS } : {}),
      }),
    clearLogin: (reply, now) => setCookie(reply, loginCookieName, '', forLogin(gone(now, hubPath))),
    clearAll: (reply, now) => {
      setCookie(reply, SESSION_COOKIE, '', forSession(gone(now, options.baseUrl)))
      setCookie(reply, loginCookieName, '', forLogin(gone(now, hubPath)))
      setCookie(reply, 'jupyterhub-services', '', gone(now, `${options.baseUrl}services`)) // of JupyterHub before 3.2
      setCookie(reply, XSRF_COOKIE, '', gone(now, hubPath))
    },
  }
}

/** The hub makes 32 hexadecimal digits; what comes back goes into the database and is held to a sober form. */
function isSessionId(text: string): boolean {
  return /^[\w.~-]{1,128}$/.test(text)
}

/** Sets a cookie; the last one of a name and path within one answer wins. */
function setCookie(reply: FastifyReply, name: string, value: string, attributes: CookieAttributes): void {
  const line = cookieLine(name, value, attributes)
  const others = [reply.getHeader('set-cookie') ?? []]
    .flat()
    .map(String)
    .filter(other => !(other.startsWith(`${name}=`) && `${other};`.includes(`; Path=${attributes.path};`)))
  reply.removeHeader('set-cookie')
  reply.header('set-cookie', [...others, line])
}
