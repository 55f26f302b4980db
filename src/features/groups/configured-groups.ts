import type { Clock, Json, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { ensureUser } from '../users/ensure-user.ts'
import type { UserNames } from '../users/user-names.ts'
import { addMembers, createGroup, findGroup, setProperties } from './store.ts'

/** A group of the configuration: JupyterHub's `load_groups`. */
export interface ConfiguredGroup {
  readonly users?: readonly string[] | undefined
  /** Absent: they stay as they are. */
  readonly properties?: Readonly<Record<string, Json>> | undefined
}

export interface ConfiguredHolders {
  readonly database: Pick<Database, 'db'>
  readonly names: UserNames
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Makes the groups of the configuration and adds their members, who are made where they are missing. As in JupyterHub,
 * nobody is taken out of a group. Throws HubError `invalid_user_name` for a name that cannot be.
 */
export async function applyConfiguredGroups(
  { database, names, clock, log }: ConfiguredHolders,
  configured: Readonly<Record<string, ConfiguredGroup>>,
): Promise<void> {
  await database.db.transaction().execute(async tx => {
    for (const [name, { users = [], properties }] of Object.entries(configured)) {
      const existing = await findGroup(tx, name)
      const group = existing ?? (await createGroup(tx, name))
      if (!group) throw new Error(`the group ${name} could not be made`) // nobody else writes in this transaction
      if (!existing) log.info({ group: name }, 'group of the config made')
      const members: number[] = []
      for (const user of users) members.push((await ensureUser(tx, { names, clock, log }, user, `groups.${name}`)).id)
      await addMembers(tx, group.id, members)
      if (properties) await setProperties(tx, group.id, properties)
    }
  })
}
