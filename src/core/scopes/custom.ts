import { HubError } from '../errors.ts'
import { type ScopeDefinition, type ScopeDefinitions, scopeDefinitions } from './definitions.ts'

const CUSTOM_NAME = /^custom:[a-z0-9][a-z0-9_\-*:]+[a-z0-9_*]$/

/** As JupyterHub has them: `custom:reports:read`. */
export function isCustomScopeName(name: string): boolean {
  return CUSTOM_NAME.test(name)
}

/**
 * The scopes of JupyterHub together with those of a site (`c.JupyterHub.custom_scopes`). Names begin with `custom:`,
 * subscopes are custom scopes of the same table. Throws HubError `custom_scope_invalid` with all faults at once.
 */
export function withCustomScopes(custom: Readonly<Record<string, ScopeDefinition>>): ScopeDefinitions {
  const faults = Object.entries(custom).flatMap(([name, definition]) => faultsOf(name, definition, custom))
  if (faults.length > 0) {
    throw new HubError('custom_scope_invalid', {
      status: 500,
      message: `Custom scopes cannot be used: ${faults.join('; ')}.`,
      nextStep: 'Correct the custom scopes in the configuration.',
    })
  }
  return { ...scopeDefinitions, ...custom }
}

function faultsOf(name: string, definition: ScopeDefinition, custom: Readonly<Record<string, ScopeDefinition>>) {
  const faults: string[] = []
  if (!isCustomScopeName(name)) {
    faults.push(
      `"${name}" is no name for a custom scope: "custom:", then lower-case letters, digits and -_:*, ending in none of "-:"`,
    )
  }
  if (!definition.description) faults.push(`"${name}" has no description`)
  for (const subscope of definition.subscopes ?? []) {
    if (!Object.hasOwn(custom, subscope)) faults.push(`"${name}" includes "${subscope}", which is no custom scope`)
  }
  return faults
}
