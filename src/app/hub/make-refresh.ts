/** When and for whom the authenticator looks at signed-in users again. */
import type { Access, AccessOptions } from '../../access/access.ts'
import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../core/runtime.ts'
import type { ApplyDeps } from '../../features/sign-in/apply-proven.ts'
import { createRefresher } from '../../features/sign-in/refresh.ts'
import { type ServerRefresh, serverRefresh } from '../../features/sign-in/server-refresh.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'

export interface Refresh {
  /** Undefined where nothing is ever due by its age. */
  readonly look: AccessOptions['refreshUser']
  readonly ofServers: ServerRefresh
  signedIn(userId: number): void
}

/** Undefined where the authenticator cannot look again: then nothing is asked at any request. */
export function makeRefresh({
  config: { signIn },
  ...deps
}: ApplyDeps & {
  config: Pick<Config, 'signIn'>
  authenticator: Authenticator
  log: Logger
  changed: Access['changed']
}): Refresh | undefined {
  if (!deps.authenticator.refresh) return undefined
  const { refreshAge, refreshStrict: strict, refreshPreSpawn: preSpawn, refreshPreStop: preStop } = signIn
  const refresher = createRefresher({ ...deps, ageMs: refreshAge * 1000, strict })
  return {
    // Also without an age: what a start has found to be expired sends to the login page.
    look: refreshAge > 0 || preSpawn || preStop ? refresher.look : undefined,
    ofServers: serverRefresh(refresher, { preSpawn, preStop, log: deps.log }),
    signedIn: refresher.signedIn,
  }
}
