import type { Identity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { Refresher } from './refresh.ts'

/** JupyterHub's `refresh_pre_spawn` and `refresh_pre_stop`. Both throw HubError 403 `auth_expired`. */
export interface ServerRefresh {
  beforeStart(user: UserRecord, by: Identity): Promise<void>
  /** Others than the user themselves may stop a server whatever is known of its user. */
  beforeStop(user: UserRecord, by: Identity): Promise<void>
}

export function serverRefresh(
  refresher: Refresher,
  { preSpawn, preStop, log }: { preSpawn: boolean; preStop: boolean; log: Logger },
): ServerRefresh {
  const isSelf = (user: UserRecord, by: Identity) => by.kind === 'user' && by.id === user.id
  const look = (user: UserRecord, by: Identity) =>
    refresher.force(user, { own: isSelf(user, by) && by.proof.by === 'cookie' })
  return {
    async beforeStart(user, by) {
      if (preSpawn && (await look(user, by)) === 'expired') throw authExpired(user)
    },
    async beforeStop(user, by) {
      if (!preStop || (await look(user, by)) !== 'expired') return
      if (isSelf(user, by)) throw authExpired(user)
      log.warn({ user: user.name, by: by.name }, 'stopping a server of a user whose sign-in has expired')
    },
  }
}

function authExpired({ name }: UserRecord): HubError {
  return new HubError('auth_expired', {
    status: 403,
    message: `The sign-in of ${name} has expired.`,
    nextStep: 'Sign in again.',
  })
}
