import { type ScopeDefinitions, scopeDefinitions } from './definitions.ts'
import { splitScope } from './parse.ts'

/** A scope as the consent page tells it. `filter` continues "applies to ..."; absent when it is not narrowed. */
export interface ScopeDescription {
  readonly scope: string
  readonly description: string
  readonly filter?: string
}

/** Raw or expanded scopes in words, in the order given; scopes nobody defined are left out. */
export function describeScopes(
  scopes: Iterable<string>,
  userName?: string,
  definitions: ScopeDefinitions = scopeDefinitions,
): ScopeDescription[] {
  const descriptions: ScopeDescription[] = []
  for (const scope of scopes) {
    const { base, filter, kind, name } = splitScope(scope)
    const definition = Object.hasOwn(definitions, base) ? definitions[base] : undefined
    if (!definition) continue
    const described = { scope: base, description: definition.description }
    descriptions.push(filter ? { ...described, filter: filterText(kind, name, userName) } : described)
  }
  return descriptions
}

function filterText(kind: string, name: string, userName: string | undefined): string {
  if (kind === 'user' && (name === '' || name === userName)) return 'only you'
  if (name === '') return `this ${kind}`
  return kind === 'group' ? `users in group ${name}` : `${kind} ${name}`
}
