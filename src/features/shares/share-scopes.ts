/** What can be shared is always about one server: every scope of a share carries that server's filter. */
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { splitScope } from '../../core/scopes/parse.ts'
import { type ServerKey, serverKeyText } from '../../core/server-key.ts'

/** What a share permits unless it says otherwise: to open the server. */
export function defaultScopes(key: ServerKey): string[] {
  return [`access:servers!${filterOf(key)}`]
}

/**
 * Scopes as they are stored: without doubles, sorted, each narrowed to the server. Throws HubError 400
 * `share_scope_filter` when one is narrowed to something else.
 */
export function scopesForServer(scopes: readonly string[], key: ServerKey): string[] {
  const wanted = filterOf(key)
  for (const scope of scopes) {
    const { filter } = splitScope(scope)
    if (filter !== '' && filter !== wanted) {
      const message = `!${printable(filter)} not allowed on sharing ${printable(scope)}, only !${printable(wanted)}`
      throw new HubError('share_scope_filter', { status: 400, message })
    }
  }
  return heldToServer(scopes, key)
}

/** Stored scopes as they count now: the server or its owner may have got another name since. */
export function heldToServer(scopes: readonly string[], key: ServerKey): string[] {
  return [...new Set(scopes.map(scope => `${splitScope(scope).base}!${filterOf(key)}`))].sort()
}

/** What is left when these are taken away. A scope without a filter means this server's. */
export function withoutScopes(held: readonly string[], taken: readonly string[], key: ServerKey): string[] {
  const gone = new Set(taken.map(scope => (scope.includes('!') ? scope : `${scope}!${filterOf(key)}`)))
  return held.filter(scope => !gone.has(scope))
}

function filterOf(key: ServerKey): string {
  return `server=${serverKeyText(key)}`
}
