import { accessSync, chmodSync, chownSync, constants, lstatSync, mkdirSync, readlinkSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HubError } from '../core/errors.ts'

/** What lies where in the data folder. */
export interface DataPaths {
  readonly dataDir: string
  /** Database, keys and routes: what hub and proxy write. */
  readonly hub: string
  readonly routeSnapshot: string
  readonly proxyToken: string
  /** Python environments, one for each set of versions. */
  readonly python: string
  readonly run: string
  readonly launcherSocket: string
  /** Keys and certificates of servers with internal TLS; the launcher's. */
  readonly serverTls: string
  readonly lock: string
  readonly log: string
  /** Records and logs of servers; the launcher's own. */
  readonly launcher: string
  /** Folders that servers work in when Orrery is not root. */
  readonly servers: string
  /** Copies of the program for a user that cannot read the original. */
  readonly app: string
}

export function dataPaths(dataDir: string): DataPaths {
  const hub = join(dataDir, 'hub')
  const run = join(dataDir, 'run')
  return {
    dataDir,
    hub,
    routeSnapshot: join(hub, 'proxy-routes.json'),
    proxyToken: join(hub, 'proxy_auth_token'),
    python: join(dataDir, 'python'),
    run,
    launcherSocket: join(run, 'launcher.sock'),
    serverTls: join(run, 'tls'),
    lock: join(run, 'orrery.lock'),
    log: join(dataDir, 'log'),
    launcher: join(dataDir, 'launcher'),
    servers: join(dataDir, 'servers'),
    app: join(dataDir, 'app'),
  }
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Makes the folders. With `hubOwner` (started as root) the data folder and all programs in it stay root's, so that a
 * hub that was taken over cannot change what root or users run; only `hub/` is the hub's own. Else everything is the
 * caller's. Throws HubError `data_folder_unusable`, `disk_full` or `folder_unsafe`.
 */
export function prepareDataFolder(paths: DataPaths, hubOwner: Owner | undefined): void {
  try {
    makeFolder(paths.dataDir, hubOwner ? 0o755 : 0o700)
    if (hubOwner) assertOnlyRootMoves(paths.dataDir)
    accessSync(paths.dataDir, constants.W_OK | constants.X_OK)
    makeFolder(paths.run, hubOwner ? 0o755 : 0o700)
    makeFolder(paths.log, hubOwner ? 0o750 : 0o700)
    makeFolder(paths.hub, 0o700)
    if (hubOwner) chownSync(paths.hub, hubOwner.uid, hubOwner.gid)
  } catch (cause) {
    throw dataFolderFault(paths.dataDir, cause)
  }
}

/** An existing folder keeps its mode: an operator may have opened the logs for a group. */
function makeFolder(path: string, mode: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })) {
    if (!statSync(path).isDirectory()) throw notAFolder(path)
    return
  }
  mkdirSync(path, { recursive: true, mode: 0o755 })
  chmodSync(path, mode)
}

/**
 * Whoever can rename a folder above can put programs of their own in the place of those that root runs. Throws HubError
 * `folder_unsafe`.
 */
export function assertOnlyRootMoves(path: string): void {
  for (let at = path; ; at = dirname(at)) {
    const entry = lstatSync(at)
    // The mode of a link means nothing; who owns it can change it, and where it leads counts as well.
    if (entry.isSymbolicLink()) assertOnlyRootMoves(resolve(dirname(at), readlinkSync(at)))
    const writable = !entry.isSymbolicLink() && (entry.mode & 0o022) !== 0 && (entry.mode & 0o1000) === 0
    if (entry.uid !== 0 || writable) {
      throw new HubError('folder_unsafe', {
        status: 500,
        message: `${at} can be changed by others than root, so root keeps no programs below it.`,
        nextStep: `Choose another data folder with --data-dir, or: chown root ${at} && chmod go-w ${at}`,
      })
    }
    if (at === dirname(at)) return
  }
}

/** What a system error while the data folder is used means to an operator; anything else as it is. */
export function dataFolderFault(dataDir: string, cause: unknown): unknown {
  const { code, syscall } = (cause ?? {}) as { code?: unknown; syscall?: unknown } // anything may be thrown
  if (cause instanceof HubError || typeof code !== 'string' || String(syscall).startsWith('spawn')) return cause
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HubError('disk_full', {
      status: 507,
      message: `There is no space left for the data folder ${dataDir}.`,
      nextStep: 'Free some space, or choose another folder with --data-dir.',
      cause,
    })
  }
  const meaning = MEANINGS[code]
  if (!meaning) return cause
  return new HubError('data_folder_unusable', {
    status: 500,
    message: `The data folder ${dataDir} cannot be used: ${meaning} (${code}).`,
    nextStep: 'Give it to the user that starts Orrery, or choose another with --data-dir.',
    cause,
  })
}

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be written',
  EPERM: 'it may not be written',
  EROFS: 'its file system is read-only',
  ENOENT: 'a part of its path does not exist',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a file is in the place of a folder',
  EISDIR: 'a folder is in the place of a file',
  ELOOP: 'its path has a loop of links',
  ENAMETOOLONG: 'its path is too long',
  EIO: 'the disk fails',
}

function notAFolder(path: string): HubError {
  return new HubError('data_folder_unusable', {
    status: 500,
    message: `${path} is not a folder.`,
    nextStep: 'Move it away, or choose another data folder with --data-dir.',
  })
}
