/**
 * Limits on the real control groups of the other version: this machine's own are tried in `src/launcher/limits.test.ts`,
 * which a kernel with version 2 alone runs here.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const TESTBED = join(ROOT, 'test/testbed')
/** Of the script: there is no such kernel for this system. */
const UNAVAILABLE = 69

function runThere(context: TestContext, command: string[], script = 'cgroup2.sh'): void {
  const { status, stdout } = spawnSync(join(TESTBED, script), command, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 600_000,
  })

  if (status === UNAVAILABLE) {
    context.skip('no user-mode Linux for this system')
    return
  }
  assert.equal(status, 0, stdout)
  assert.match(stdout, /pass [1-9]/)
  assert.match(stdout, /skipped 0/)
}

describe('control groups of version 2', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  const tests = [process.execPath, '--test', '--test-reporter=spec']

  it('hold servers to their limits', context => {
    runThere(context, [...tests, 'src/launcher/limits.test.ts', 'src/launcher/usage.test.ts'])
  })

  it('do so for an ordinary user to whom systemd has left a group', context => {
    const some = '--test-name-pattern=/end the process|forks without end|started anew|leave no group/'
    runThere(context, [join(TESTBED, 'delegated-group.sh'), ...tests, some, 'src/launcher/limits.test.ts'])
  })

  it('do so for units of a systemd that has no others, and tell what they use', context => {
    const some = '--test-name-pattern=/(as units|own-account).*(memory|to its limits|what each uses)/'
    const files = ['src/launcher/units/units.test.ts', 'src/spawners/local/systemd.test.ts']
    runThere(context, ['node_modules/.bin/node', ...tests.slice(1), some, ...files], 'systemd-cgroup2.sh')
  })
})
