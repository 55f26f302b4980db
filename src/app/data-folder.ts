import { accessSync, chmodSync, chownSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
    if (cause instanceof HubError) throw cause
    throw unusable(paths.dataDir, cause as NodeJS.ErrnoException) // fs throws system errors
  }
}

/** An existing folder keeps its mode: an operator may have opened the logs for a group. */
function makeFolder(path: string, mode: number): void {
  if (lstatSync(path, { throwIfNoEntry: false })) return
  mkdirSync(path, { recursive: true, mode: 0o755 })
  chmodSync(path, mode)
}

/** Whoever can rename a folder above can put programs of their own in the place of those that root runs. */
function assertOnlyRootMoves(path: string): void {
  for (let at = path; ; at = dirname(at)) {
    const entry = lstatSync(at)
    const writable = (entry.mode & 0o022) !== 0 && (entry.mode & 0o1000) === 0
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

function unusable(dataDir: string, cause: NodeJS.ErrnoException): HubError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new HubError('disk_full', {
      status: 507,
      message: `There is no space left for the data folder ${dataDir}.`,
      nextStep: 'Free some space, or choose another folder with --data-dir.',
      cause,
    })
  }
  return new HubError('data_folder_unusable', {
    status: 500,
    message: `The data folder ${dataDir} cannot be written (${cause.code ?? cause.message}).`,
    nextStep: 'Give it to the user that starts Orrery, or choose another with --data-dir.',
    cause,
  })
}
