/** Runs a jupyterhub_config.py with Python and takes what it has set. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HubError } from '../../core/errors.ts'
import { decodeValue, type Place } from './python-values.ts'

/** One assignment that is in force, as it stands: classes above and defaults are not looked at yet. */
export interface PythonSetting {
  /** `['Spawner']`; `['JupyterHub', 'Spawner']` for `c.JupyterHub.Spawner`. */
  readonly section: readonly string[]
  readonly name: string
  readonly value: unknown
  /** Every place that took part. */
  readonly places: readonly Place[]
}

export interface RunOptions {
  /** Absolute path. */
  readonly file: string
  /** An interpreter that has traitlets. */
  readonly python: string
  /** Working folder of the file. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
}

export interface RunConfig {
  /** What `sys.executable` was. */
  readonly python: string
  readonly settings: readonly PythonSetting[]
}

const SCRIPT = fileURLToPath(new URL('../../../python/read_jupyterhub_config.py', import.meta.url))

type Answer =
  | { ok: true; python: string; settings: PythonSetting[] }
  | { ok: false; fault: 'no_traitlets' | 'unsafe_file' | 'failed'; message: string; places?: Place[] }

/**
 * The file is trusted, as JupyterHub trusts it: it runs with all rights of this process. Throws HubError
 * `config_invalid` when it fails, `config_file_unsafe` when root is asked to run what others can change, and
 * `config_python_unusable` when the interpreter cannot run it.
 */
export async function runConfigFile(options: RunOptions): Promise<RunConfig> {
  const answer = await ask(options)
  if (answer.ok) {
    const settings = answer.settings.map(one => ({ ...one, value: decodeValue(one.value) }))
    return { python: answer.python, settings }
  }
  const { file, python } = options
  if (answer.fault === 'no_traitlets') throw unusable(`${python} has no traitlets (${answer.message}).`)
  if (answer.fault === 'unsafe_file') {
    throw new HubError('config_file_unsafe', {
      status: 500,
      message: `${answer.message} can be changed by others than root, so root does not run the config.`,
      nextStep: `Look at what it says; if it is right: chown root ${answer.message} && chmod go-w ${answer.message}`,
    })
  }
  const line = answer.places?.[0]?.line
  const isMissing = /^ModuleNotFoundError/.test(answer.message)
  throw new HubError('config_invalid', {
    status: 500,
    message: `${file}${line ? `, line ${line}` : ''}: ${answer.message}.`,
    ...(isMissing && { nextStep: `It was run by ${python}; --python names the interpreter that JupyterHub used.` }),
  })
}

async function ask({ file, python, folder, env }: RunOptions): Promise<Answer> {
  // What the file prints is for the person at the terminal: the results of commands alone go to standard output.
  const child = spawn(python, [SCRIPT, file], { cwd: folder, env, stdio: ['ignore', 2, 2, 'pipe'] })
  const chunks: Buffer[] = []
  child.stdio[3]!.on('data', (chunk: Buffer) => chunks.push(chunk))
  const status = await new Promise<string | number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal ?? code))
  }).catch(cause => {
    throw unusable(`${python} cannot be run (${(cause as NodeJS.ErrnoException).code}).`, cause) // of spawn
  })
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Answer // our own script's
  } catch (cause) {
    throw unusable(`${python} gave no answer about ${file} (it ended with ${status}).`, cause)
  }
}

function unusable(message: string, cause?: unknown): HubError {
  return new HubError('config_python_unusable', {
    status: 500,
    message,
    nextStep:
      '--python or ORRERY_CONFIG_PYTHON names an interpreter that has JupyterHub, such as /opt/jupyterhub/bin/python.',
    ...(cause !== undefined && { cause }),
  })
}
