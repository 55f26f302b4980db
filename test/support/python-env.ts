import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'

/** The interpreter with the released JupyterHub and JupyterLab; made on first use, kept between runs. */
export function referencePython(): string {
  return process.env.ORRERY_TEST_JUPYTERHUB_PYTHON ?? pythonOf('reference-python.sh')
}

/** `servers.cmd` for tests: the single-user server of that environment. */
export function singleUserCommand(): string[] {
  return [join(dirname(referencePython()), 'jupyterhub-singleuser')]
}

/** The interpreter with the released `jupyterhub_idle_culler`; made on first use, kept between runs. */
export function idleCullerPython(): string {
  return pythonOf('idle-culler.sh')
}

/** The interpreter with Notebook, extensions of servers and what services are written with; made like the others. */
export function clientsPython(): string {
  return pythonOf('clients-python.sh')
}

/** The interpreter that a script of the testbed makes on first use and keeps between runs. */
export function pythonOf(script: string, ...args: readonly string[]): string {
  return execFileSync(join(import.meta.dirname, '../testbed', script), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
}
