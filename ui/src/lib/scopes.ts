/** What the visitor may do, for showing the right buttons; the hub decides. */

/** Expanded, as `/hub/api/user` tells them. */
type Scopes = readonly string[] | undefined

/** Is the scope held for others, all or some of them? What everybody holds for themselves does not count. */
export function holdsScope(scopes: Scopes, name: string, me: string): boolean {
  return (
    scopes?.some(scope => {
      const filter = filterOf(scope, name)
      return filter !== undefined && filter !== `user=${me}` && !filter.startsWith(`server=${me}/`)
    }) ?? false
  )
}

/** Is it held for this user, as far as can be told without their groups? */
export function holdsScopeFor(scopes: Scopes, name: string, user: string): boolean {
  return (
    scopes?.some(scope => {
      const filter = filterOf(scope, name)
      if (filter === undefined) return false
      return (
        filter === '' ||
        filter === `user=${user}` ||
        filter.startsWith(`server=${user}/`) ||
        filter.startsWith('group=')
      )
    }) ?? false
  )
}

/** `group=staff` of `list:users!group=staff`; empty when it is held for all. */
function filterOf(scope: string, name: string): string | undefined {
  if (scope === name) return ''
  return scope.startsWith(`${name}!`) ? scope.slice(name.length + 1) : undefined
}
