/** Scopes of a site's own, and scopes anywhere in a config: those that nobody defined are faults. */
import { z } from 'zod'
import { isCustomScopeName } from '../core/scopes/custom.ts'
import { scopeDefinitions } from '../core/scopes/definitions.ts'
import { unknownScopes } from '../core/scopes/expand.ts'
import { type ConfigTree, isTree, pathsIn, valueAt } from './config-tree.ts'
import type { Fault } from './faults.ts'
import { suggestionFor } from './suggestion.ts'

/** JupyterHub's `custom_scopes`. */
export const customScopeRecord = z
  .record(
    z.string().refine(isCustomScopeName, {
      error: 'expected a name such as custom:reports:read: lower-case letters, digits and -_*: after "custom:"',
    }),
    z.strictObject({
      description: z.string().min(1),
      subscopes: z.array(z.string()).default([]),
    }),
  )
  .superRefine((scopes, context) => {
    for (const [name, { subscopes }] of Object.entries(scopes)) {
      for (const [index, subscope] of subscopes.entries()) {
        if (Object.hasOwn(scopes, subscope)) continue
        context.addIssue({
          code: 'custom',
          path: [name, 'subscopes', index],
          message: 'expected one of the custom scopes; a role holds several scopes of the hub together',
          input: subscope,
        })
      }
    }
  })

/** Where lists of scopes stand. */
const SCOPE_LISTS = [
  'extraUserScopes',
  'servers.tokenScopes',
  'servers.oauthClientAllowedScopes',
  'roles.*.scopes',
  'services.*.oauthClientAllowedScopes',
]

/** Looks at the tree as it was written, so that these faults are told together with all others. */
export function scopeFaults(tree: ConfigTree): Fault[] {
  const custom = isTree(tree.customScopes) ? tree.customScopes : {}
  const names = [...Object.keys(scopeDefinitions), ...Object.keys(custom)]
  const definitions = Object.fromEntries(names.map(name => [name, { description: '' }]))
  return SCOPE_LISTS.flatMap(text => pathsIn(tree, text.split('.'))).flatMap(path => {
    const list = valueAt(tree, path)
    if (!Array.isArray(list)) return []
    return list.flatMap((scope, index) => {
      if (typeof scope !== 'string' || unknownScopes([scope], definitions).length === 0) return []
      const suggestion = suggestionFor(scope, names)
      const message = `expected the name of a scope, got ${JSON.stringify(scope.slice(0, 60))}`
      return [
        { path: [...pathOf(path), index], message: message + (suggestion ? `, did you mean ${suggestion}?` : '') },
      ]
    })
  })
}

/** Messages count the entries of lists: `roles[0].scopes[1]`. */
function pathOf(path: readonly string[]): PropertyKey[] {
  return path.map(part => (/^\d+$/.test(part) ? Number(part) : part))
}
