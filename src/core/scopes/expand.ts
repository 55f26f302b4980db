import { type ScopeDefinitions, scopeDefinitions } from './definitions.ts'
import { createScopeGroups, type ScopeGroups, splitScope, unparseScopes } from './parse.ts'
import type { ScopeMap } from './types.ts'

/** For whom open filters are filled in. `server` is `user/server`, the server name empty for the default one. */
export interface ScopeOwner {
  readonly user?: string | undefined
  readonly server?: string | undefined
  readonly service?: string | undefined
}

/** What `self` stands for, each with a filter on its owner. */
const SELF = ['read:users', 'users:shares', 'read:shares', 'users:activity', 'servers', 'tokens', 'access:servers']

/**
 * Raw scopes of a role or token with all they include: subscopes, the open filters `!user`, `!server` and `!service`
 * filled in from the owner, `self` resolved. Open filters and `self` without a fitting owner, and scopes nobody
 * defined, give nothing. `inherit` stays, its meaning depends on the caller. As JupyterHub's `expand_scopes`.
 */
export function expandScopes(
  raw: Iterable<string>,
  owner: ScopeOwner = {},
  definitions: ScopeDefinitions = scopeDefinitions,
): Set<string> {
  return unparseScopes(expandToMap(raw, owner, definitions))
}

/** The same, parsed. */
export function expandToMap(
  raw: Iterable<string>,
  owner: ScopeOwner = {},
  definitions: ScopeDefinitions = scopeDefinitions,
): ScopeMap {
  const groups = createScopeGroups()
  for (const scope of raw) {
    if (scope === 'self') {
      if (owner.user) for (const own of SELF) addExpanded(groups, `${own}!user=${owner.user}`, definitions)
      continue
    }
    const filled = fillFilter(scope, owner)
    if (filled !== undefined) addExpanded(groups, filled, definitions)
  }
  return groups.toMap()
}

const included = new WeakMap<ScopeDefinitions, Map<string, ReadonlySet<string>>>()

/** A scope and all it includes, by name only; empty for a scope nobody defined. */
export function includedScopes(base: string, definitions: ScopeDefinitions = scopeDefinitions): ReadonlySet<string> {
  const known = included.get(definitions) ?? new Map<string, ReadonlySet<string>>()
  included.set(definitions, known)
  const before = known.get(base)
  if (before) return before
  const found = new Set<string>()
  const add = (name: string) => {
    if (found.has(name) || !Object.hasOwn(definitions, name)) return
    found.add(name)
    definitions[name]?.subscopes?.forEach(add)
  }
  add(base)
  if (found.size > 0) known.set(base, found) // names nobody defined come from outside and would fill the memory
  return found
}

/** Raw scopes that do not exist, or carry a filter that does not. */
export function unknownScopes(raw: Iterable<string>, definitions: ScopeDefinitions = scopeDefinitions): string[] {
  return [...raw].filter(scope => {
    const { base, filter } = splitScope(scope)
    return (
      !Object.hasOwn(definitions, base) ||
      (filter !== '' && !/^(user|service|server)$|^(user|service|group|server)=/.test(filter))
    )
  })
}

function fillFilter(scope: string, owner: ScopeOwner): string | undefined {
  const { base, filter } = splitScope(scope)
  if (filter !== 'user' && filter !== 'server' && filter !== 'service') return scope
  const name = owner[filter]
  return name === undefined ? undefined : `${base}!${filter}=${name}`
}

function addExpanded(into: ScopeGroups, scope: string, definitions: ScopeDefinitions): void {
  const parts = splitScope(scope)
  // A filter on servers says nothing of users, so `read:servers!server=...` does not carry `read:users:name`.
  const isOfServers = parts.filter.startsWith('server')
  for (const base of includedScopes(parts.base, definitions)) {
    if (!(isOfServers && base.startsWith('read:user'))) into.add({ ...parts, base })
  }
}
