import type { ScopeFilter, ScopeMap, ScopeReach, ScopeTarget } from './types.ts'

/** What a held scope reaches; undefined when it is not held at all. */
export function scopeReach(scopes: ScopeMap, name: string): ScopeReach | undefined {
  return scopes.get(name)
}

/**
 * Is the scope held for this target? Without a target: for everything. A filter on a user reaches that user's servers,
 * one on a group its members and their servers. The target's `groups` are asked only for filters on groups.
 */
export function hasScope(scopes: ScopeMap, name: string, target?: ScopeTarget): boolean {
  const reach = scopes.get(name)
  if (reach === undefined) return false
  if (reach === 'all') return true
  return target !== undefined && reaches(reach, target)
}

/** Does a filter reach a resource? */
export function reaches(reach: ScopeReach, target: ScopeTarget): boolean {
  if (reach === 'all') return true
  if (target.service !== undefined) return reach.service?.has(target.service) ?? false
  if (target.group !== undefined) return reach.group?.has(target.group) ?? false
  if (target.user === undefined) return false
  if (target.server !== undefined && reach.server?.has(`${target.user}/${target.server}`)) return true
  return reachesUser(reach, target.user, target.groups)
}

function reachesUser(reach: ScopeFilter, user: string, groups: readonly string[] = []): boolean {
  return (reach.user?.has(user) ?? false) || groups.some(group => reach.group?.has(group) ?? false)
}
