import { reaches } from '../core/scopes/reach.ts'
import type { ScopeMap, ScopeTarget } from '../core/scopes/types.ts'

/** Is a scope held for this very target? The target carries its groups. */
export function holds(scopes: ScopeMap, name: string, target: ScopeTarget): boolean {
  const reach = scopes.get(name)
  return reach !== undefined && reaches(reach, target)
}

/** Fields of a model that any of the caller's scopes shows for this target; `fieldsOf` tells which scope shows which. */
export function visibleFields(
  scopes: ScopeMap,
  fieldsOf: Readonly<Record<string, readonly string[]>>,
  target: ScopeTarget,
): Set<string> {
  const visible = new Set<string>()
  for (const [scope, fields] of Object.entries(fieldsOf)) {
    if (holds(scopes, scope, target)) for (const field of fields) visible.add(field)
  }
  return visible
}
