import type { Json } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import type { Authenticated } from '../../plugin/authenticator.ts'
import { type AuthStateStore, clearAuthState } from '../users/auth-state.ts'
import { reconcile, type SignInHookContext, type SignInHooks } from './sign-in-hooks.ts'

export interface AuthStateDeps {
  readonly database: Pick<Database, 'db'>
  /** Absent: none is kept, and what was kept is forgotten. */
  readonly authState?: AuthStateStore
  readonly hooks?: SignInHooks
}

/** What will be kept of this sign-in. Throws what `hooks.reconcileAuthState` throws. */
export async function stateToKeep(
  { authState, hooks = {} }: AuthStateDeps,
  userId: number,
  proven: Authenticated,
  context: Pick<SignInHookContext, 'log' | 'signal'>,
): Promise<Json> {
  return authState ? reconcile(hooks, proven, () => authState.read(userId), context) : null
}

/**
 * What the authenticator told becomes the user's auth state, also when it told none: as JupyterHub, which forgets the
 * state at each sign-in while auth state is not enabled.
 */
export async function keepAuthState({ database, authState }: AuthStateDeps, userId: number, state: Json) {
  await (authState ? authState.write(userId, state) : clearAuthState(database.db, userId))
}
