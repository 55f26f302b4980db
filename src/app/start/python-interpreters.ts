import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HubError } from '../../core/errors.ts'
import { isReachableByAll } from './reachable-by-all.ts'

const run = promisify(execFile)

/** Packages are pinned for these; a newer Python is tried when there is no other. */
const KNOWN_MINORS = [13, 12, 11, 10]
const OLDEST_MINOR = 10

export interface Interpreter {
  readonly path: string
  /** `3.11.2` */
  readonly version: string
  readonly minor: number
  readonly hasVenv: boolean
}

/**
 * The Python to make an environment with: the newest known one on the path, `python3` first. Root takes only one that
 * everybody can run, since the servers of all users shall (a pyenv in /root is none). Throws HubError
 * `python_missing`, `python_too_old` or `python_venv_missing` with what to install.
 */
export async function findInterpreter(env: NodeJS.ProcessEnv, forEverybody: boolean): Promise<Interpreter> {
  const found: Interpreter[] = []
  for (const path of candidates(env)) {
    const interpreter = await inspect(path)
    if (!interpreter || (forEverybody && !isReachableByAll(interpreter.path))) continue
    if (isKnown(interpreter) && interpreter.hasVenv) return interpreter
    found.push(interpreter)
  }
  const newer = found.find(one => one.minor > KNOWN_MINORS[0]! && one.hasVenv)
  if (newer) return newer
  throw missing(found)
}

function* candidates(env: NodeJS.ProcessEnv): Generator<string> {
  const folders = (env.PATH ?? '').split(':').filter(folder => folder.startsWith('/'))
  for (const name of ['python3', ...KNOWN_MINORS.map(minor => `python3.${minor}`), 'python3.14', 'python']) {
    for (const folder of new Set([...folders, '/usr/local/bin', '/usr/bin'])) {
      const path = join(folder, name)
      if (existsSync(path)) yield path
    }
  }
}

const QUESTION = `
import importlib.util, json, sys
has = all(importlib.util.find_spec(m) is not None for m in ("venv", "ensurepip"))
print(json.dumps([sys.executable, list(sys.version_info[:3]), has]))
`

async function inspect(path: string): Promise<Interpreter | undefined> {
  try {
    // A shim of pyenv answers only for the versions that are switched on, and with the path of the real program.
    const { stdout } = await run(path, ['-I', '-c', QUESTION], { timeout: 10_000 })
    const [executable, version, hasVenv] = JSON.parse(stdout) as [string, [number, number, number], boolean]
    if (version[0] !== 3) return undefined
    return { path: realpathSync(executable), version: version.join('.'), minor: version[1], hasVenv }
  } catch {
    return undefined // A file of that name that is no Python is as good as none.
  }
}

function isKnown(interpreter: Interpreter): boolean {
  return KNOWN_MINORS.includes(interpreter.minor)
}

function missing(found: readonly Interpreter[]): HubError {
  const recent = found.find(one => one.minor >= OLDEST_MINOR)
  if (recent) {
    return new HubError('python_venv_missing', {
      status: 500,
      message: `Python ${recent.version} (${recent.path}) has no venv module, which is needed for JupyterLab.`,
      nextStep: `Install it: apt install python3-venv (or python3.${recent.minor}-venv); elsewhere a complete Python.`,
    })
  }
  const [old] = found
  return new HubError(old ? 'python_too_old' : 'python_missing', {
    status: 500,
    message: old
      ? `Python ${old.version} (${old.path}) is too old: JupyterLab needs 3.${OLDEST_MINOR} or newer.`
      : 'No Python was found, which JupyterLab needs (3.10 or newer).',
    nextStep:
      'Install it (apt install python3 python3-venv; dnf install python3), or set servers.cmd to a jupyterhub-singleuser of your own.',
  })
}
