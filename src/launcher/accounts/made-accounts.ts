import { execFile } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '../../core/runtime.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { assertUnmovable, privateDirectory } from '../private-directory.ts'
import { Refusal } from '../refusal.ts'
import { linuxNameOf } from './account-names.ts'
import { findLinuxUser, type LinuxUser } from './linux-user.ts'

const run = promisify(execFile)

interface AccountRecord {
  readonly account: string
  readonly linuxName: string
  /** Absent while the user is being made. */
  readonly uid?: number
}

export interface MadeAccounts {
  /** The Linux user of this account; made when there is none. Never a user that was there before. */
  ensure(account: string): Promise<{ user: LinuxUser; made: boolean }>
}

/**
 * Linux users made for own accounts. A file for each says which account it was made for and with which uid; a user
 * without that file was made by somebody else and is refused, so an account named `root` or `bob` becomes
 * `jupyter-root` or `jupyter-bob` and never root or bob.
 */
export function madeAccounts(options: {
  stateDir: string
  homesDir: string
  accountPrefix: string
  shells: readonly string[]
  minUid: number
  log: Logger
}): MadeAccounts {
  const folder = privateDirectory(join(options.stateDir, 'accounts'))
  const inTurn = oneAtATime()

  async function ensure(account: string): Promise<{ user: LinuxUser; made: boolean }> {
    const linuxName = linuxNameOf(account, options.accountPrefix)
    const record = readRecord(linuxName)
    if (record && record.account !== account) throw foreign(linuxName)
    const before = await findLinuxUser(linuxName, options)
    if (before) return { user: checkOurs(before, record), made: false }
    writeRecord({ account, linuxName })
    try {
      await inTurn('useradd', () => addUser(linuxName))
    } catch (error) {
      // Without this, a user made by hand under that name later would be taken for ours.
      rmSync(join(folder, `${linuxName}.json`), { force: true })
      throw error instanceof Refusal ? error : notMade(linuxName, error)
    }
    const user = await findLinuxUser(linuxName, options)
    if (!user) throw new Refusal('account_not_made', `The Linux user ${linuxName} could not be made.`)
    writeRecord({ account, linuxName, uid: user.uid })
    options.log.info({ linuxUser: linuxName, uid: user.uid }, 'linux user made')
    return { user, made: true }
  }

  function checkOurs(user: LinuxUser, record: AccountRecord | undefined): LinuxUser {
    // A record without uid: an earlier launcher was killed while it made the user.
    if (!record) throw foreign(user.name)
    if (record.uid === undefined) {
      if (user.uid < options.minUid || user.home !== join(options.homesDir, user.name)) throw foreign(user.name)
      writeRecord({ ...record, uid: user.uid })
      return user
    }
    if (record.uid !== user.uid) throw foreign(user.name)
    return user
  }

  async function addUser(linuxName: string): Promise<void> {
    assertUnmovable(options.homesDir)
    const home = join(options.homesDir, linuxName)
    if (existsSync(home)) {
      throw new Refusal(
        'home_exists',
        `The folder ${home} is there already, so no Linux user is made for it.`,
        'An administrator can move it away, or give it to a user made by hand.',
      )
    }
    const args = [
      '--create-home',
      '--home-dir',
      home,
      '--key',
      'HOME_MODE=0700',
      '--user-group',
      '--shell',
      '/bin/bash',
    ]
    await run('useradd', [...args, '--comment', 'Orrery account', linuxName], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      timeout: 60_000,
    })
    // login.defs may name another mode for homes, which goes before the umask.
    const fd = openSync(home, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    fchmodSync(fd, 0o700)
    closeSync(fd)
  }

  function readRecord(linuxName: string): AccountRecord | undefined {
    const path = join(folder, `${linuxName}.json`)
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as AccountRecord) : undefined // our own file
  }

  function writeRecord(record: AccountRecord): void {
    const path = join(folder, `${record.linuxName}.json`)
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  return {
    // Two requests for one account share one useradd; useradd itself takes one at a time.
    ensure: account => inTurn(linuxNameOf(account, options.accountPrefix), () => ensure(account)),
  }
}

function notMade(linuxName: string, error: unknown): Refusal {
  const { stderr } = error as { stderr?: string } // what execFile rejects with
  return new Refusal(
    'account_not_made',
    `The Linux user ${linuxName} could not be made: ${stderr?.trim() || 'useradd failed'}.`,
    'An administrator can run useradd by hand and see why it fails.',
  )
}

function foreign(linuxName: string): Refusal {
  return new Refusal(
    'linux_user_not_ours',
    `The Linux user ${linuxName} was not made for this account, so no server is started as it.`,
    'An administrator can rename that Linux user, or choose another name for the account.',
  )
}
