import { type ScopeDefinitions, scopeDefinitions } from './definitions.ts'
import { expandScopes, type ScopeOwner } from './expand.ts'
import { intersectScopes, type Membership } from './intersect.ts'

/** Which of the requested raw scopes may be granted. Parts of a scope that is not held whole are granted expanded. */
export interface ResolvedScopes {
  readonly allowed: ReadonlySet<string>
  /** Requested, but not held whole. */
  readonly disallowed: ReadonlySet<string>
}

/**
 * Holds requested raw scopes against those that somebody may hand on: by name first, so that a token keeps the short
 * form, then by what they permit. As JupyterHub's `_resolve_requested_scopes`.
 */
export function resolveRequestedScopes(
  requested: Iterable<string>,
  have: ReadonlySet<string>,
  owner: ScopeOwner,
  membership: Membership,
  definitions: ScopeDefinitions = scopeDefinitions,
): ResolvedScopes {
  const wanted = [...requested]
  const allowed = new Set(wanted.filter(scope => have.has(scope)))
  const disallowed = new Set(wanted.filter(scope => !have.has(scope)))
  if (disallowed.size === 0) return { allowed, disallowed }

  const held = expandScopes(have, owner, definitions)
  for (const scope of [...disallowed]) {
    const already = expandScopes(allowed, owner, definitions)
    const missing = [...expandScopes([scope], owner, definitions)].filter(part => !already.has(part))
    const granted = intersectScopes(missing, held, membership)
    if (granted.size === missing.length && missing.every(part => granted.has(part))) {
      allowed.add(scope)
      disallowed.delete(scope)
    } else {
      for (const part of granted) allowed.add(part)
    }
  }
  return { allowed, disallowed }
}
