import { useMemo } from 'react'
import { page } from '../lib/page.ts'
import { holdsScope, holdsScopeFor } from '../lib/scopes.ts'
import { useMe } from './queries.ts'

/** What the visitor may do; nothing until that is known. */
export function useMay() {
  const me = useMe().data
  return useMemo(
    () => ({
      isKnown: me !== undefined,
      isAdmin: me?.admin ?? false,
      /** For others than themselves, all or some. */
      may: (scope: string) => holdsScope(me?.scopes, scope, page.user),
      mayFor: (scope: string, user: string) => holdsScopeFor(me?.scopes, scope, user),
    }),
    [me],
  )
}
