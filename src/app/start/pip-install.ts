import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { HubError } from '../../core/errors.ts'

interface PipInstall {
  readonly python: string
  readonly requirements: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  progress(step: string, done?: number, total?: number): void
}

/** Installs a requirements file with pip, telling how far it is. Throws HubError `python_packages_failed`. */
export async function installPackages(install: PipInstall): Promise<void> {
  const total = countPins(install.requirements)
  const args = [
    '-I',
    '-m',
    'pip',
    'install',
    '--no-input',
    '--prefer-binary',
    '--progress-bar=off',
    '-r',
    install.requirements,
  ]
  const pip = spawn(install.python, args, {
    env: pipEnvironment(install.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: install.signal,
  })
  const output: string[] = []
  let collected = 0
  const read = (line: string) => {
    output.push(line)
    if (/^Collecting /.test(line)) install.progress('Downloading Python packages', Math.min(++collected, total), total)
    if (/^Installing collected packages/.test(line)) install.progress('Installing Python packages')
  }
  createInterface({ input: pip.stdout }).on('line', read)
  createInterface({ input: pip.stderr }).on('line', read)
  const status = await new Promise<number | null>((resolve, reject) => pip.on('close', resolve).on('error', reject))
  if (status === 0) return
  throw new HubError('python_packages_failed', {
    status: 500,
    message: `pip could not install the Python packages: ${reasonIn(output)}`,
    nextStep: 'The first start needs the network; the next one goes on from here.',
    detail: { output: output.slice(-50) },
  })
}

/** Pins that hold for some Python: those with a marker are about as many that count as that do not. */
function countPins(requirements: string): number {
  const names = readFileSync(requirements, 'utf8').match(/^[a-z0-9-]+(?===)/gim) ?? []
  return new Set(names).size
}

/** What a person has set for their own use of pip must not send the packages elsewhere. */
function pipEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PYTHONPATH, PYTHONHOME, PIP_TARGET, PIP_PREFIX, PIP_ROOT, ...rest } = env
  return { ...rest, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
}

function reasonIn(output: readonly string[]): string {
  const errors = output.filter(line => /^\s*(ERROR|error):/.test(line)).map(line => line.replace(/^\s*error:\s*/i, ''))
  return errors.slice(0, 2).join(' ') || output.at(-1) || 'it gave no reason.'
}
