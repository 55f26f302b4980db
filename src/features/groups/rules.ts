import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Logger } from '../../core/runtime.ts'
import type { Database, Db } from '../../db/database.ts'
import { addMembers, createGroup, findGroup, type GroupRow, usersNamed } from './store.ts'

export interface GroupRules {
  readonly database: Database
  readonly log: Logger
  /** User names in bodies are brought into their one form first. */
  normalizeUserName(name: string): string
}

/** All or none: JupyterHub keeps those it made before the first fault. */
export async function createGroups(
  { database, log, normalizeUserName }: GroupRules,
  by: string,
  wanted: { groups: readonly string[]; users: readonly string[] },
): Promise<GroupRow[]> {
  for (const name of wanted.groups) checkGroupName(name)
  const created = await database.db.transaction().execute(async tx => {
    const members = await membersNamed(tx, wanted.users.map(normalizeUserName))
    const groups: GroupRow[] = []
    for (const name of wanted.groups) {
      const group = await createGroup(tx, name)
      if (!group) throw groupExists(name)
      await addMembers(tx, group.id, members)
      groups.push(group)
    }
    return groups
  })
  for (const group of created) log.info({ by, group: group.name, users: wanted.users.length }, 'group created')
  return created
}

/** Ids of users that must all exist. */
export async function membersNamed(db: Db, names: readonly string[]): Promise<number[]> {
  const wanted = [...new Set(names)]
  const users = await usersNamed(db, wanted)
  const missing = wanted.find(name => !users.some(user => user.name === name))
  if (missing !== undefined) {
    throw new HubError('no_such_user', { status: 400, message: `No such user: ${printable(missing)}` })
  }
  return users.map(user => user.id)
}

export async function getGroup(db: Db, name: string): Promise<GroupRow> {
  const group = await findGroup(db, name)
  if (!group) throw new HubError('no_such_group', { status: 404, message: `No such group: ${printable(name)}` })
  return group
}

/** A group must fit its column and be reachable by its address; JupyterHub checks neither. */
function checkGroupName(name: string): void {
  const fits = name.trim() !== '' && [...name].length <= 255 && !/^\.+$/.test(name)
  if (!fits || /\p{Cc}/u.test(name) || !name.isWellFormed()) {
    throw new HubError('invalid_group_name', { status: 400, message: `Invalid group name: ${printable(name)}` })
  }
}

function groupExists(name: string): HubError {
  return new HubError('group_exists', { status: 409, message: `Group ${printable(name)} already exists` })
}
