import type { Identity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Json } from '../../core/runtime.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import { serversOfUser } from '../../spawning/server-row.ts'
import { serverState } from '../../spawning/server-state.ts'
import type { UsersDeps } from './deps.ts'
import { createUser, deleteUser, findUser, renameUser, setAdmin, userExists } from './user-store.ts'

/** The rules of making, changing and removing users; `by` is who asks. */

/** Makes those that do not exist. All names are checked before the first user is made. */
export async function createUsers(
  deps: UsersDeps,
  by: Identity,
  wanted: { usernames: readonly string[]; admin: boolean },
): Promise<UserRecord[]> {
  mayGrantAdmin(by, wanted.admin)
  const names = [...new Set(wanted.usernames.map(deps.names.normalize))]
  const wrong = names.filter(name => !deps.names.isValid(name)).map(printable)
  if (wrong.length > 0) {
    const message = `Invalid username${wrong.length > 1 ? 's' : ''}: ${wrong.join(', ')}`
    throw new HubError('invalid_user_name', { status: 400, message })
  }
  const existing = await deps.database.db.selectFrom('users').select('name').where('name', 'in', names).execute()
  const missing = names.filter(name => !existing.some(row => row.name === name))
  if (missing.length === 0) {
    throw new HubError('user_exists', { status: 409, message: `All ${wanted.usernames.length} users already exist` })
  }
  const created: UserRecord[] = []
  for (const name of missing) created.push(await addUser(deps, by, name, wanted.admin))
  return created
}

/** The name is taken as it stands in the path, as JupyterHub does. */
export async function createNamedUser(
  deps: UsersDeps,
  by: Identity,
  name: string,
  admin: boolean,
): Promise<UserRecord> {
  if (await findUser(deps.database.db, name)) throw userExists(name)
  mayGrantAdmin(by, admin)
  if (!deps.names.isValid(name)) throw notCreated(name)
  return addUser(deps, by, name, admin)
}

/** JupyterHub's words for a user that is to be named, and for one that exists only in the caller's mind. */
export async function getUser(deps: UsersDeps, name: string): Promise<UserRecord> {
  const user = await findUser(deps.database.db, name)
  if (!user) throw noSuchUser()
  return user
}

export async function changeUser(
  deps: UsersDeps,
  by: Identity,
  user: UserRecord,
  changes: { name?: string | undefined; admin?: boolean | undefined; auth_state?: Json | undefined },
): Promise<UserRecord> {
  const name = changes.name === undefined || changes.name === user.name ? undefined : deps.names.normalize(changes.name)
  if (name !== undefined) {
    if (!deps.names.isValid(name)) {
      throw new HubError('invalid_user_name', { status: 400, message: `Invalid username: '${printable(name)}'` })
    }
    await mayTakeName(deps, user, name)
  }
  if (!by.admin && user.admin) throw forbidden('admins_only', 'Only admins can modify other admins')
  mayGrantAdmin(by, changes.admin ?? false)
  if (changes.auth_state !== undefined && !deps.authState) {
    throw new HubError('auth_state_disabled', { status: 400, message: 'Auth state is not kept by this hub' })
  }
  await deps.database.db.transaction().execute(async tx => {
    if (name !== undefined) await renameUser(tx, user.id, name)
    if (changes.admin !== undefined) await setAdmin(tx, user.id, changes.admin)
  })
  if (changes.auth_state !== undefined) await deps.authState!.write(user.id, changes.auth_state)
  deps.log.info({ by: by.name, user: user.name, newName: name, admin: changes.admin }, 'user changed')
  return { ...user, name: name ?? user.name, admin: changes.admin ?? user.admin }
}

/** Stops the servers first: a user's rows are the only way to find them. */
export async function removeUser(deps: UsersDeps, by: Pick<Identity, 'name'>, user: UserRecord): Promise<void> {
  if (by.name === user.name) throw new HubError('deleting_oneself', { status: 400, message: 'Cannot delete yourself!' })
  if ((await deps.stopServers(user, by.name)) === 'stopping') {
    throw new HubError('server_stopping', {
      status: 400,
      message: `${printable(user.name)}'s server is in the process of stopping, please wait.`,
    })
  }
  await deps.userDeleted?.(user)
  await deps.forgetServers?.(user)
  await deleteUser(deps.database.db, user.id)
  deps.log.info({ by: by.name, user: user.name }, 'user deleted')
}

async function addUser(deps: UsersDeps, by: Identity, name: string, admin: boolean): Promise<UserRecord> {
  const { db } = deps.database
  const user = await db.transaction().execute(tx => createUser(tx, { name, admin }, deps.clock.now()))
  try {
    await deps.userAdded?.(user)
  } catch (cause) {
    await deleteUser(db, user.id)
    throw notCreated(name, cause)
  }
  deps.log.info({ by: by.name, user: name, admin }, 'user created')
  return user
}

async function mayTakeName(deps: UsersDeps, user: UserRecord, name: string): Promise<void> {
  if (await findUser(deps.database.db, name)) {
    const message = `User ${printable(name)} already exists, username must be unique`
    throw new HubError('user_exists', { status: 400, message })
  }
  // Routes, tokens and the server's own environment carry the old name.
  const servers = await serversOfUser(deps.database, user.name)
  if (servers.some(row => !['stopped', 'failed'].includes(serverState(row, deps.baseUrl).phase))) {
    throw new HubError('server_active', {
      status: 400,
      message: `${printable(user.name)} has servers running.`,
      nextStep: 'Stop them, then rename the user.',
    })
  }
}

function mayGrantAdmin(by: Identity, admin: boolean): void {
  if (admin && !by.admin) throw forbidden('admins_only', 'Only admins can grant admin permissions')
}

function notCreated(name: string, cause?: unknown): HubError {
  const why = cause instanceof HubError ? `: ${cause.message}` : ''
  const message = `Failed to create user: ${printable(name)}${why}`
  return new HubError('user_not_created', { status: 400, message, cause })
}

function noSuchUser(): HubError {
  return new HubError('no_such_user', { status: 404, message: 'Not Found' })
}

function forbidden(code: string, message: string): HubError {
  return new HubError(code, { status: 403, message })
}
