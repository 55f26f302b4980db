/** What the visitor may do, for showing the right buttons; the hub decides. */

/** Is the scope held, for everybody or for some (`!group=staff`)? The list is expanded already. */
export function holdsScope(scopes: readonly string[] | undefined, name: string): boolean {
  return scopes?.some(scope => scope === name || scope.startsWith(`${name}!`)) ?? false
}
