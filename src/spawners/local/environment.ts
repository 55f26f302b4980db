/** Set by the launcher from the user's entry; what the hub has under these names is its own. */
const OF_THE_USER: readonly string[] = ['HOME', 'USER', 'LOGNAME', 'SHELL']

/** What JupyterHub keeps of the hub's own environment, and what a launcher with privilege takes only when told to. */
const OF_THE_HUB: readonly string[] = ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH']

/**
 * The environment as the launcher takes it. JupyterHub's contract names a few variables that belong to the process of
 * the hub rather than to the user; they are left out unless the launcher allows them. Everything else is passed on,
 * and what the launcher refuses is a reason to fail rather than to start something else than asked for.
 */
export function environmentForLauncher(
  environment: Readonly<Record<string, string>>,
  allowed: readonly string[],
): Record<string, string> {
  const kept = Object.entries(environment).filter(
    ([name]) => !OF_THE_USER.includes(name) && (!OF_THE_HUB.includes(name) || allowed.includes(name)),
  )
  return Object.fromEntries(kept)
}
