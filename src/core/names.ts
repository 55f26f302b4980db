/**
 * Names of users and servers: which are allowed, and how they stand in URLs and identifiers. The rules are JupyterHub
 * 6's, so that rows of either program are good for the other.
 */
import { HubError } from './errors.ts'
import type { ServerKey } from './server-key.ts'

/** RFC 3986 percent encoding, UTF-8, everything but the unreserved characters: Python's `quote(value, safe='')`. */
export function percentEncode(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A user or server name as one segment of a URL's path. JupyterHub leaves `@` as it is. */
export function escapePathSegment(name: string): string {
  return percentEncode(name).replaceAll('%40', '@')
}

/** Joins URL parts with single slashes; the first leading and the last trailing slash stay. */
export function joinUrlPath(...parts: readonly string[]): string {
  const given = parts.slice(0, parts.findLastIndex(part => part !== '') + 1)
  if (given.length === 0) return ''
  const inner = given
    .map(part => part.replace(/^\/+|\/+$/g, ''))
    .filter(part => part !== '')
    .join('/')
  const joined = (given[0]!.startsWith('/') ? '/' : '') + inner + (given.at(-1)!.endsWith('/') ? '/' : '')
  return joined.replace(/^\/\/$/, '/')
}

/** `/user/alice/`: where all servers of a user lie. `baseUrl` begins and ends with a slash. */
export function userPath(user: string, baseUrl = '/'): string {
  return joinUrlPath(baseUrl, 'user', escapePathSegment(user), '/')
}

/** `/user/alice/` for the default server, `/user/alice/gpu/` for a named one: also its route in the proxy. */
export function serverPath(key: ServerKey, baseUrl = '/'): string {
  return joinUrlPath(userPath(key.user, baseUrl), escapePathSegment(key.server), '/')
}

/** `/user/alice/oauth_callback`, the redirect address of the server's own OAuth client. */
export function oauthCallbackPath(key: ServerKey, baseUrl = '/'): string {
  return joinUrlPath(userPath(key.user, baseUrl), escapePathSegment(key.server), 'oauth_callback')
}

/** Event stream of a start: `/hub/api/users/alice/server/progress`, with `servers/NAME` for a named server. */
export function progressPath(key: ServerKey, baseUrl = '/'): string {
  return serverApiPath(key, baseUrl, 'progress')
}

/** Event stream of a server's log, beside that of its start. */
export function logEventsPath(key: ServerKey, baseUrl = '/'): string {
  return serverApiPath(key, baseUrl, 'log/events')
}

function serverApiPath(key: ServerKey, baseUrl: string, rest: string): string {
  const server = key.server === '' ? ['server'] : ['servers', escapePathSegment(key.server)]
  return joinUrlPath(baseUrl, 'hub/api/users', escapePathSegment(key.user), ...server, rest)
}

/** Page that shows a start's progress: `/hub/spawn-pending/alice`, then the server's name. */
export function spawnPendingPath(key: ServerKey, baseUrl = '/'): string {
  return joinUrlPath(baseUrl, 'hub/spawn-pending', escapePathSegment(key.user), escapePathSegment(key.server))
}

/** Page that starts a server: `/hub/spawn/alice`, then the server's name. */
export function spawnPath(key: ServerKey, baseUrl = '/'): string {
  return joinUrlPath(baseUrl, 'hub/spawn', escapePathSegment(key.user), escapePathSegment(key.server))
}

/**
 * Identifier of the server's OAuth client, as JupyterHub makes it; two servers can have the same. It becomes part of a
 * cookie's name, hence the strict encoding.
 */
export function oauthClientId(key: ServerKey): string {
  const user = `jupyterhub-user-${percentEncode(key.user)}`
  return key.server === '' ? user : `${user}-${percentEncode(key.server)}`
}

/** The same where another server has that one. Names of users hold no slash, so no two servers share it. */
export function unmistakableClientId(key: ServerKey): string {
  return `jupyterhub-user-${percentEncode(key.user)}%2F${percentEncode(key.server)}`
}

/** May a user bear this name? Not empty, no slash, no path of dots only, no blanks at its ends. */
export function isValidUserName(name: string, pattern?: RegExp): boolean {
  const plain = name !== '' && !name.includes('/') && name === name.trim()
  const dotsOnly = /^\.+$/.test(name) || /^\.+$/.test(decodeLeniently(name))
  return plain && !dotsOnly && (pattern === undefined || pattern.test(name))
}

/** Names of new servers since JupyterHub 6: 1 to 30 of a-z, 0-9 and single hyphens; a letter first, no hyphen last. */
export function isValidServerName(name: string): boolean {
  return name.length <= 30 && /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)
}

/** JupyterHub's rule for roles: 3 to 255 of a-z, 0-9 and -_~., a letter first, no sign last. */
export function isValidRoleName(name: string): boolean {
  return /^[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]$/.test(name)
}

/** JupyterHub's rule for services: what is not escaped in a URL's path, and no path of dots. */
export function isValidServiceName(name: string): boolean {
  const plain = name !== '' && !/[/%]|\p{Cc}/u.test(name) && name === name.trim() && !/^\.+$/.test(name)
  return plain && name.length <= 255 && name.isWellFormed()
}

/** `/services/culler/`: where a service lies, also its route in the proxy. */
export function servicePath(name: string, baseUrl = '/'): string {
  return joinUrlPath(baseUrl, 'services', escapePathSegment(name), '/')
}

/** 1 to 255 printable characters; single inner spaces are the only blanks. Compare after `normalizeDisplayName`. */
export function isValidDisplayName(name: string): boolean {
  const length = [...name].length
  if (length < 1 || length > 255 || name.includes('  ') || name.startsWith(' ') || name.endsWith(' ')) return false
  return /^[\p{L}\p{Mc}\p{Me}\p{Mn}\p{Nd}\p{Nl}\p{No}\p{P}\p{S} ]*$/u.test(name)
}

export function normalizeDisplayName(name: string): string {
  return name.normalize('NFC')
}

/** Throws what JupyterHub answers to a new server with a wrong name: 400. */
export function checkNewServerName(name: string, displayName: string): void {
  if (!isValidServerName(name)) {
    throw new HubError('invalid_server_name', {
      status: 400,
      message: `Invalid server_name: ${printable(name)}`,
      nextStep: 'Use 1 to 30 lower-case letters, digits and single hyphens, with a letter first.',
    })
  }
  if (!isValidDisplayName(normalizeDisplayName(displayName))) {
    throw new HubError('invalid_display_name', {
      status: 400,
      message: `Invalid display_name: ${printable(displayName)}`,
      nextStep: 'Use 1 to 255 printable characters, with single spaces between words only.',
    })
  }
}

/** A name from outside as it may stand in a message or a log: short, without control characters. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?').slice(0, 100)
}

function decodeLeniently(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
