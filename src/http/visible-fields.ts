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
): ReadonlySet<string> {
  const forAll = unfiltered.get(scopes)?.get(fieldsOf)
  if (forAll) return forAll
  const visible = new Set<string>()
  let isForAll = true
  for (const [scope, fields] of Object.entries(fieldsOf)) {
    const reach = scopes.get(scope)
    if (reach === undefined) continue
    isForAll &&= reach === 'all'
    if (reaches(reach, target)) for (const field of fields) visible.add(field)
  }
  if (isForAll) unfiltered.set(scopes, (unfiltered.get(scopes) ?? new Map()).set(fieldsOf, visible))
  return visible
}

/** Who holds scopes without filters, as administrators do, sees the same of everybody. */
const unfiltered = new WeakMap<ScopeMap, Map<object, ReadonlySet<string>>>()
