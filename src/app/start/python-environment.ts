/**
 * The Python environment that users' servers run in: a venv below the data folder with the versions of
 * python/requirements.txt. A venv cannot be moved, so each set of versions has a folder of its own, whose stamp is
 * written last: one without it is made anew. Servers that run from the one before are not disturbed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HubError } from '../../core/errors.ts'
import { installPackages } from './pip-install.ts'
import { findInterpreter, type Interpreter } from './python-interpreters.ts'

export interface PythonEnvironmentOptions {
  /** Folder for environments: DATA/python. */
  readonly folder: string
  /** Path of requirements.txt. */
  readonly requirements: string
  readonly env: NodeJS.ProcessEnv
  /** Other Linux users shall run it too. */
  readonly forEverybody: boolean
  readonly signal: AbortSignal
  /** Told while it is made: what is going on, and how many of how many packages. */
  progress(step: string, done?: number, total?: number): void
}

export interface PythonEnvironment {
  /** The folder of this set of versions. */
  readonly folder: string
  /** `[DATA/python/.../bin/jupyterhub-singleuser]` */
  readonly command: readonly string[]
  readonly made: boolean
}

interface Stamp {
  readonly requirements: string
  readonly python: string
}

type Place = Pick<PythonEnvironmentOptions, 'folder' | 'requirements'>

/** Is it there, for these requirements? */
export function hasPythonEnvironment(place: Place): boolean {
  const { folder, fingerprint } = versionsOf(place)
  return isComplete(folder, fingerprint)
}

/** The one that `ensurePythonEnvironment` gives; undefined while it is not made. */
export function findPythonEnvironment(place: Place): Pick<PythonEnvironment, 'folder' | 'command'> | undefined {
  const { folder, fingerprint } = versionsOf(place)
  return isComplete(folder, fingerprint) ? { folder, command: commandIn(folder) } : undefined
}

/** Makes it unless it is there; then no network is needed. Throws HubError `python_...` or `singleuser_unusable`. */
export async function ensurePythonEnvironment(options: PythonEnvironmentOptions): Promise<PythonEnvironment> {
  const { folder, fingerprint } = versionsOf(options)
  const environment = { folder, command: commandIn(folder) }
  if (isComplete(folder, fingerprint)) return { ...environment, made: false }

  const interpreter = await findInterpreter(options.env, options.forEverybody)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(options.folder, { recursive: true })
  options.progress(`Making a Python ${interpreter.version} environment (once, needs the network)`)
  makeVenv(interpreter, folder)
  await installPackages({ ...options, python: join(folder, 'bin', 'python') })
  assertUsable(environment.command[0]!)
  const stamp: Stamp = { requirements: fingerprint, python: interpreter.version }
  writeFileSync(stampOf(folder), `${JSON.stringify(stamp)}\n`)
  return { ...environment, made: true }
}

function commandIn(folder: string): string[] {
  return [join(folder, 'bin', 'jupyterhub-singleuser')]
}

function versionsOf({ folder, requirements }: Place): { folder: string; fingerprint: string } {
  const fingerprint = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  return { folder: join(folder, fingerprint.slice(0, 12)), fingerprint }
}

/** Is it there, and does its Python still run? An upgrade of the system's Python takes the ground from under it. */
function isComplete(folder: string, fingerprint: string): boolean {
  const stamp = readStamp(folder)
  if (stamp?.requirements !== fingerprint || !existsSync(join(folder, 'bin', 'jupyterhub-singleuser'))) return false
  const asked = spawnSync(
    join(folder, 'bin', 'python'),
    ['-I', '-c', 'import sys, encodings; print(*sys.version_info[:2])'],
    {
      encoding: 'utf8',
    },
  )
  return asked.stdout?.trim() === stamp.python.split('.').slice(0, 2).join(' ')
}

function readStamp(folder: string): Stamp | undefined {
  try {
    return JSON.parse(readFileSync(stampOf(folder), 'utf8'))
  } catch {
    return undefined
  }
}

function stampOf(folder: string): string {
  return join(folder, 'orrery-complete.json')
}

function makeVenv(interpreter: Interpreter, folder: string): void {
  const done = spawnSync(interpreter.path, ['-I', '-m', 'venv', folder], { encoding: 'utf8' })
  if (done.status === 0) return
  throw new HubError('python_venv_missing', {
    status: 500,
    message: `${interpreter.path} could not make an environment: ${lastLine(done.stderr || done.stdout) || 'no reason given'}.`,
    nextStep: `On Debian and Ubuntu: apt install python3-venv (or python3.${interpreter.minor}-venv).`,
    detail: { stderr: done.stderr },
  })
}

function assertUsable(program: string): void {
  const asked = spawnSync(program, ['--version'], { encoding: 'utf8' })
  if (asked.status === 0) return
  throw new HubError('singleuser_unusable', {
    status: 500,
    message: `${program} does not run: ${lastLine(asked.stderr) || asked.error?.message || 'no reason given'}.`,
    nextStep: 'Is the data folder on a file system that is mounted noexec? Choose another with --data-dir.',
  })
}

function lastLine(text: string | undefined): string {
  return (text ?? '').trim().split('\n').at(-1)?.replace(/\.$/, '') ?? ''
}
