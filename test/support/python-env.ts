import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'

/** The interpreter with the released JupyterHub and JupyterLab; made on first use, kept between runs. */
export function referencePython(): string {
  return (
    process.env.ORRERY_TEST_JUPYTERHUB_PYTHON ??
    execFileSync(join(import.meta.dirname, '../testbed/reference-python.sh'), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim()
  )
}

/** `servers.cmd` for tests: the single-user server of that environment. */
export function singleUserCommand(): string[] {
  return [join(dirname(referencePython()), 'jupyterhub-singleuser')]
}

/** The interpreter with the released `jupyterhub_idle_culler`; made on first use, kept between runs. */
export function idleCullerPython(): string {
  return execFileSync(join(import.meta.dirname, '../testbed/idle-culler.sh'), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim()
}
