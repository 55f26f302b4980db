import { lstatSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { isRoot, type LauncherOptions } from '../options.ts'
import { privateDirectory } from '../private-directory.ts'
import type { RunAsKind } from '../protocol.ts'
import { Refusal } from '../refusal.ts'
import { dynamicUser } from '../units/dynamic-user.ts'
import { folderNameOf } from './account-names.ts'
import { findLinuxUser, type LinuxUser } from './linux-user.ts'
import type { MadeAccounts } from './made-accounts.ts'

/** Whom a server runs as. `switchUser` is false when the launcher has no other user to offer than its own. */
export interface RunAs {
  readonly name: string
  /** -1, and so the group, for a user whom systemd is about to make up. */
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
  readonly switchUser: boolean
}

export async function chooseUser(
  account: string,
  as: RunAsKind,
  options: LauncherOptions,
  accounts: MadeAccounts | undefined,
): Promise<RunAs> {
  if (options.ownUser) return itself(account, options.ownUser)
  if (!isRoot()) return ownUser(account, options)
  if (!options.runAs.includes(as)) {
    throw new Refusal(
      'run_as_refused',
      as === 'linux-user'
        ? 'This launcher starts no servers as Linux users that it has not made.'
        : as === 'own-account'
          ? 'This launcher makes no Linux users for accounts.'
          : 'This launcher has systemd make up no users.',
      `Start the launcher with --run-as ${as}.`,
    )
  }
  if (as === 'dynamic-user') return await dynamicUser(account, options)
  if (as === 'own-account') {
    if (!accounts) throw new Refusal('accounts_unavailable', 'This launcher makes no Linux users.')
    const { user } = await accounts.ensure(account)
    return { ...checkUser(user, options), switchUser: true }
  }
  const user = await findLinuxUser(account, options)
  if (!user) {
    throw new Refusal(
      'linux_user_missing',
      `There is no Linux user ${account} on this machine.`,
      'An administrator can add it, or choose an authenticator with own accounts.',
    )
  }
  return { ...checkUser(user, options), switchUser: true }
}

/** Refuses root, users of the system, users without a shell, and whoever the hub itself runs as. */
export function checkUser(user: LinuxUser, options: Pick<LauncherOptions, 'minUid' | 'allowUids'>): LinuxUser {
  if (user.uid === 0) throw new Refusal('root_refused', 'No server is started as root.', 'Sign in as an ordinary user.')
  if (user.gid === 0) throw new Refusal('root_refused', 'No server is started in the group root.')
  if (user.uid < options.minUid) {
    throw new Refusal(
      'system_user_refused',
      `${user.name} is a user of the system (uid ${user.uid}), not of a person.`,
      `The launcher starts servers for uids from ${options.minUid}; an administrator can change that.`,
    )
  }
  if (options.allowUids.includes(user.uid)) {
    throw new Refusal('hub_user_refused', `${user.name} is the user that the hub itself runs as.`)
  }
  if (!user.mayLogIn) {
    throw new Refusal(
      'shell_disabled',
      `The login shell of ${user.name} is ${user.shell}, which means that this user may not log in.`,
      'An administrator can give the user another shell.',
    )
  }
  return user
}

function itself(account: string, user: LinuxUser): RunAs {
  if (account === user.name) return { ...user, switchUser: false }
  throw new Refusal('run_as_refused', `Servers of ${account} are not started as ${user.name}.`)
}

function ownUser(account: string, options: LauncherOptions): RunAs {
  privateDirectory(options.serversDir)
  const home = join(options.serversDir, folderNameOf(account))
  if (!lstatSync(home, { throwIfNoEntry: false })) mkdirSync(home, { mode: 0o700 })
  return { ...ownEntry(), home, switchUser: false }
}

/** A container may run under a uid that has no entry and therefore no name. */
function ownEntry(): Pick<RunAs, 'name' | 'uid' | 'gid' | 'shell'> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  try {
    const { username, shell } = userInfo()
    return { name: username, uid, gid, shell: shell ?? '/bin/sh' }
  } catch {
    return { name: `uid${uid}`, uid, gid, shell: '/bin/sh' }
  }
}
