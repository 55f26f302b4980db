/** A machine of a test's own that has booted with systemd: `test/testbed/host.sh`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface SystemdHost extends Disposable {
  /** Runs test files of this checkout in it; throws with their output when one fails. */
  test(...files: readonly string[]): string
}

/** Why there can be none; false when there can. */
export const withoutHost = process.getuid?.() === 0 ? false : 'needs root'

const SCRIPT = join(import.meta.dirname, '../testbed/host.sh')

/**
 * `binds`: files and folders to show inside, read-only. `python`: the interpreter of an environment with JupyterHub, which
 * is shown, too.
 */
export function startSystemdHost({
  binds = [],
  python,
}: {
  binds?: readonly string[]
  python?: string
} = {}): SystemdHost {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-host-'))
  const shown = [...binds, ...(python === undefined ? [] : [dirname(dirname(python))])]
  const env = { ...process.env, TESTBED_DIR: folder, TESTBED_HOST_BIND: shown.join(':') }
  const run = (action: string) => execFileSync(SCRIPT, [action], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  run('up')
  return {
    test(...files) {
      // No test may try to make one in there.
      const jupyterHub = ['env', `ORRERY_TEST_JUPYTERHUB_PYTHON=${python ?? '/nowhere/bin/python'}`]
      const node = [...jupyterHub, 'node_modules/.bin/node', '--test', '--test-concurrency=2', '--test-reporter=spec']
      const { status, stdout, stderr } = spawnSync(SCRIPT, ['run', ...node, ...files], { env, encoding: 'utf8' })
      if (status !== 0) throw new Error(`tests in the machine failed with status ${status}:\n${stdout}${stderr}`)
      return stdout
    },
    [Symbol.dispose]() {
      run('down')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
