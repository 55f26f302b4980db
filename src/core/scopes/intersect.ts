import { type FilterKind, parseScopes, unparseScopes } from './parse.ts'
import { reaches } from './reach.ts'
import type { ScopeFilter, ScopeMap, ScopeReach, ScopeTarget } from './types.ts'

/** Who is in which groups, for filters on groups against filters on users and servers. */
export interface Membership {
  groupsOf(user: string): readonly string[]
}

/** What both sets of expanded scopes permit. As JupyterHub's `_intersect_expanded_scopes` with a database at hand. */
export function intersectScopes(a: Iterable<string>, b: Iterable<string>, membership: Membership): Set<string> {
  return unparseScopes(intersectMaps(parseScopes(a), parseScopes(b), membership))
}

export function intersectMaps(a: ScopeMap, b: ScopeMap, membership: Membership): ScopeMap {
  const common = new Map<string, ScopeReach>()
  for (const [name, reachA] of a) {
    const reachB = b.get(name)
    if (reachB === undefined) continue
    const reach = intersectReach(reachA, reachB, membership)
    if (reach !== undefined) common.set(name, reach)
  }
  return common
}

/** Users named by the filters, alone or with a server: those whose groups an intersection may ask for. */
export function usersInFilters(scopes: ScopeMap): Set<string> {
  const users = new Set<string>()
  for (const reach of scopes.values()) {
    if (reach === 'all') continue
    for (const user of reach.user ?? []) users.add(user)
    for (const server of reach.server ?? []) users.add(splitServer(server).user)
  }
  return users
}

export function hasGroupFilter(scopes: ScopeMap): boolean {
  for (const reach of scopes.values()) if (reach !== 'all' && reach.group) return true
  return false
}

function intersectReach(a: ScopeReach, b: ScopeReach, membership: Membership): ScopeReach | undefined {
  if (a === 'all') return b
  if (b === 'all') return a
  const both = (kind: FilterKind, targetOf: (name: string) => ScopeTarget) => {
    const kept = new Set<string>()
    for (const name of a[kind] ?? []) if (reaches(b, targetOf(name))) kept.add(name)
    for (const name of b[kind] ?? []) if (reaches(a, targetOf(name))) kept.add(name)
    return kept.size > 0 ? { [kind]: kept } : {}
  }
  const filter: ScopeFilter = {
    ...both('user', user => ({ user, groups: membership.groupsOf(user) })),
    ...both('group', group => ({ group })),
    ...both('server', server => {
      const target = splitServer(server)
      return { ...target, groups: membership.groupsOf(target.user) }
    }),
    ...both('service', service => ({ service })),
  }
  return Object.keys(filter).length > 0 ? filter : undefined
}

function splitServer(server: string): { user: string; server: string } {
  const at = server.indexOf('/')
  return at < 0 ? { user: server, server: '' } : { user: server.slice(0, at), server: server.slice(at + 1) }
}
