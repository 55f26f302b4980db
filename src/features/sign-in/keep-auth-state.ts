import type { Database } from '../../db/database.ts'
import type { Authenticated } from '../../plugin/authenticator.ts'
import { type AuthStateStore, clearAuthState } from '../users/auth-state.ts'

/** How auth state is kept where it is kept. */
export interface AuthStateRules {
  readonly store: AuthStateStore
}

/**
 * What the authenticator told becomes the user's auth state, also when it told none: as JupyterHub, which forgets the
 * state at each sign-in while auth state is not enabled.
 */
export async function keepAuthState(
  { database, authState }: { database: Pick<Database, 'db'>; authState?: AuthStateRules },
  userId: number,
  proven: Authenticated,
): Promise<void> {
  if (!authState) return clearAuthState(database.db, userId)
  await authState.store.write(userId, proven.authState ?? null)
}
