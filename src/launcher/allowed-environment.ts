import type { LauncherOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/** Names with which code or programs of somebody's choice get into the server's process. */
const GUARDED: readonly RegExp[] = [
  /^(LD|DYLD|GCONV|MALLOC|NIX_LD|GIO|GTK)_/,
  /^(GLIBC_TUNABLES|LOCPATH|NLSPATH|HOSTALIASES|RESOLV_HOST_CONF|LOCALDOMAIN|RES_OPTIONS)$/,
  /^PYTHON(?!UNBUFFERED$|DONTWRITEBYTECODE$|IOENCODING$|UTF8$|HASHSEED$|FAULTHANDLER$)/,
  /^(BASH_ENV|BASH_FUNC_.*|ENV|IFS|PS4|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|CDPATH|FPATH|ZDOTDIR|INPUTRC)$/,
  /^(NODE_OPTIONS|NODE_PATH|PERL5OPT|PERL5LIB|PERLLIB|PERL5DB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|R_PROFILE|R_ENVIRON|R_LIBS.*)$/,
  /^(JUPYTER_PATH|JUPYTER_CONFIG_PATH|JUPYTER_CONFIG_DIR|JUPYTERHUB_SINGLEUSER_EXTENSION_PATH)$/,
]

/** Set by the launcher from the user's own entry, so the hub cannot set them. */
const OWN: readonly string[] = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL']

/** What JupyterHub's `env_keep` lets through; harmless where everybody is the same user anyway. */
const KEPT_WITHOUT_ROOT: readonly string[] = ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH']

export function isGuarded(name: string): boolean {
  return OWN.includes(name) || GUARDED.some(pattern => pattern.test(name))
}

/** The guarded names that may be set on this launcher. */
export function allowedGuardedNames(
  options: Pick<LauncherOptions, 'allowedEnvironment'>,
  separateUsers: boolean,
): string[] {
  return separateUsers ? [...options.allowedEnvironment] : [...options.allowedEnvironment, ...KEPT_WITHOUT_ROOT]
}

/**
 * Checks the hub's part of a server's environment. The environment takes effect after the process has become the
 * user, so this does not protect root: it keeps a hub that was taken over from running code of its choice as users.
 */
export function allowedEnvironment(
  asked: Readonly<Record<string, string>>,
  options: Pick<LauncherOptions, 'allowedEnvironment'>,
  separateUsers: boolean,
): Record<string, string> {
  const allowed = allowedGuardedNames(options, separateUsers)
  for (const name of Object.keys(asked)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw refuse(name, 'is not a name')
    if (isGuarded(name) && !allowed.includes(name)) throw refuse(name, 'could change which code the server runs')
  }
  return { ...asked }
}

function refuse(name: string, why: string): Refusal {
  return new Refusal(
    'environment_refused',
    `The launcher does not set the environment variable ${JSON.stringify(name.slice(0, 80))}: it ${why}.`,
    'Remove it from the environment of the servers, or start the launcher with --allow-environment and its name.',
  )
}
