/** The interpreter that runs a jupyterhub_config.py: one that is named, else that of the data folder. */
import { chmodSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaultDataDir } from '../../config/complete-config.ts'
import type { ConfigPython } from '../../config/python-config.ts'
import { assertOnlyRootMoves, dataFolderFault, dataPaths } from '../data-folder.ts'
import { packageRoot } from '../package-root.ts'
import { lockFolder } from './folder-lock.ts'
import { ensurePythonEnvironment, hasPythonEnvironment } from './python-environment.ts'
import type { Terminal } from './terminal.ts'

export interface ConfigPythonOptions {
  /** Value of `--python`. */
  readonly named: string | undefined
  /** Value of `--data-dir`. */
  readonly dataDir: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly terminal: Pick<Terminal, 'progress' | 'progressDone'>
}

/** Makes the environment where it is missing. Throws HubError `python_...`, `data_folder_...` or `folder_unsafe`. */
export async function findConfigPython({ named, dataDir, env, terminal }: ConfigPythonOptions): Promise<ConfigPython> {
  const given = named ?? (env.ORRERY_CONFIG_PYTHON || undefined)
  // A bare name is looked for on the PATH by whoever starts it.
  if (given !== undefined) return { path: given.includes('/') ? resolve(given) : given, isOwn: false }

  const paths = dataPaths(resolve(dataDir ?? (env.ORRERY_DATA_DIR || defaultDataDir(env))))
  const asRoot = process.getuid?.() === 0
  makeFolder(paths.dataDir, asRoot)
  const options = {
    folder: paths.python,
    requirements: `${packageRoot}/python/requirements.txt`,
    env,
    forEverybody: asRoot,
    signal: new AbortController().signal,
    progress: terminal.progress,
  }
  const lock = hasPythonEnvironment(options) ? undefined : takeLock(paths)
  // The servers of all users run from it.
  const umask = process.umask(0o022)
  try {
    const { folder } = await ensurePythonEnvironment(options)
    return { path: join(folder, 'bin', 'python'), isOwn: true }
  } finally {
    process.umask(umask)
    terminal.progressDone()
    lock?.release()
  }
}

/** Two that make it at the same time would clear away each other's. */
function takeLock({ run, lock, dataDir }: ReturnType<typeof dataPaths>): { release(): void } {
  mkdirSync(run, { recursive: true })
  return lockFolder(lock, dataDir)
}

function makeFolder(path: string, asRoot: boolean): void {
  try {
    if (mkdirSync(path, { recursive: true, mode: 0o755 }) !== undefined) chmodSync(path, asRoot ? 0o755 : 0o700)
  } catch (cause) {
    throw dataFolderFault(path, cause)
  }
  // What is run from it next must be nobody else's.
  if (asRoot) assertOnlyRootMoves(path)
}
