import type { Logger } from '../core/runtime.ts'
import type { LinuxUser } from './accounts/linux-user.ts'
import type { LaunchedService } from './launched-services.ts'
import type { RunAsKind } from './protocol.ts'
import type { UnitSettings } from './units/unit-settings.ts'

/** What whoever starts the launcher decides; nothing of it can be changed over the socket. */
export interface LauncherOptions {
  readonly socketPath: string
  /** Records, logs and made accounts. When root: owned by root, and so must be every folder above it. */
  readonly stateDir: string
  /** Who may connect, besides root. The first one owns the socket. */
  readonly allowUids: readonly number[]
  /** As whom servers may run when the launcher is root; a hub that was taken over cannot widen it. */
  readonly runAs: readonly RunAsKind[]
  /** Servers are units of systemd; absent: processes of the launcher's own. */
  readonly units?: UnitSettings | undefined
  /** Programs that may be started, each with its fixed first arguments: `[['/opt/venv/bin/jupyterhub-singleuser']]`. */
  readonly commands: readonly (readonly string[])[]
  /** Services that it may start besides, each as its own user. */
  readonly services: readonly LaunchedService[]
  /**
   * `auto`: servers of Python environments that only root can change (any, when not root) are forked ready imported, and
   * so are their kernels; `servers`: without kernels.
   */
  readonly preload: 'auto' | 'servers' | 'off'
  /** When to begin with that, unless a start asks for it sooner. Default: at once. */
  readonly preloadAfter?: Promise<unknown>
  /** `auto`: each server gets a control group where the system leaves one to the launcher. */
  readonly controlGroups: 'auto' | 'off'
  /** Regular expressions, whole argument, for what the hub may add. */
  readonly allowedArguments: readonly string[]
  /** Guarded environment names that the hub may set all the same. */
  readonly allowedEnvironment: readonly string[]
  /** Set for every server: `LANG` and the like. */
  readonly environment: Readonly<Record<string, string>>
  /** Search path of servers; the folder of the started program is put before it. */
  readonly path: string
  readonly minUid: number
  /** Absent where it may be anybody: the one user it serves, as whom it runs itself (the helper of the sudo spawner). */
  readonly ownUser?: LinuxUser
  /** Shells a user may have whose server is started; empty: those of `/etc/shells`. */
  readonly shells: readonly string[]
  readonly umask: number
  /** Homes of made accounts are folders in it. */
  readonly homesDir: string
  /** What names of made Linux users start with: a-z, 0-9 and `-`, at most 15 characters. */
  readonly accountPrefix: string
  /** Homes of servers when the launcher is not root. */
  readonly serversDir: string
  /** Keys and certificates of servers lie in it; users pass through it. When root: root's, as every folder above it. */
  readonly tlsDir: string
  /** Bytes after which a server's log is turned over. */
  readonly maxLogBytes: number
  /** PAM checks at the same time. */
  readonly maxPamChecks: number
  readonly log: Logger
}

export const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

/**
 * Flags that jupyterhub-singleuser is commonly given. Not among them: what names a file to load (`--config`,
 * `config_file`), since a hub that was taken over should not choose code to run as its users.
 */
export const DEFAULT_ARGUMENTS: readonly string[] = [
  '--debug',
  '--log-level=[A-Za-z0-9]+',
  '--(ip|port|notebook-dir|default-url)=[^\\x00-\\x1f]*',
  '--(?![A-Za-z]+\\.(?:config_file|config_file_name|config_file_paths|jpserver_extensions|allow_root|extra_\\w+)=)[A-Z][A-Za-z]*\\.[a-z_]+=[^\\x00-\\x1f]*',
]

export function withDefaults(
  given: Pick<LauncherOptions, 'socketPath' | 'stateDir' | 'commands' | 'log'> & Partial<LauncherOptions>,
): LauncherOptions {
  return {
    allowUids: [process.getuid?.() ?? 0],
    runAs: ['linux-user', 'own-account'],
    services: [],
    preload: 'auto',
    controlGroups: 'auto',
    allowedArguments: DEFAULT_ARGUMENTS,
    allowedEnvironment: [],
    environment: {},
    path: DEFAULT_PATH,
    minUid: 1000,
    shells: [],
    umask: 0o022,
    homesDir: '/home',
    accountPrefix: 'jupyter-',
    serversDir: `${given.stateDir}/servers`,
    tlsDir: isRoot() ? '/run/orrery-launcher/tls' : `${given.stateDir}/tls`,
    maxLogBytes: 10 * 1024 * 1024,
    maxPamChecks: 8,
    ...given,
  }
}

/** Do servers run as users of their own, so that one of them must be guarded from the hub and from the others? */
export function separatesUsers({ ownUser }: Pick<LauncherOptions, 'ownUser'>): boolean {
  return isRoot() || ownUser !== undefined
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}
