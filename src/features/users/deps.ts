import type { Access } from '../../access/access.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { SiteAddresses } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import type { PageLimits } from '../../http/pagination.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { AuthStateStore } from './auth-state.ts'
import type { ServerModelOf } from './user-model.ts'
import type { UserNames } from './user-names.ts'

/** What the endpoints of users are given from outside. */
export interface UsersDeps extends SiteAddresses {
  readonly database: Database
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
  readonly names: UserNames
  readonly serverModel: ServerModelOf
  readonly pageLimits?: PageLimits
  /** Stops every server of a user; `stopping` when one of them takes longer than a request may wait. */
  stopServers(user: UserRecord, by: string): Promise<'stopped' | 'stopping'>
  /** Removes what outlives the servers of a user who is deleted. */
  forgetServers?(user: UserRecord): Promise<void>
  /** The authenticator's say; throwing refuses the new user. */
  userAdded?(user: UserRecord): Promise<void>
  userDeleted?(user: UserRecord): Promise<void>
  /** Absent: auth state is not kept. */
  readonly authState?: AuthStateStore
}
