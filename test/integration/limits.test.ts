/**
 * Limits on the real control groups of the other version: this machine's own are tried in `src/launcher/limits.test.ts`,
 * which a kernel with version 2 alone runs here.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
/** Of the script: there is no such kernel for this system. */
const UNAVAILABLE = 69

describe('control groups of version 2', () => {
  it('hold servers to their limits', { skip: process.getuid?.() !== 0 && 'needs root' }, context => {
    const tests = ['src/launcher/limits.test.ts', 'src/launcher/usage.test.ts']
    const command = [process.execPath, '--test', '--test-reporter=spec', ...tests]

    const { status, stdout } = spawnSync(join(ROOT, 'test/testbed/cgroup2.sh'), command, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 600_000,
    })

    if (status === UNAVAILABLE) return context.skip('no user-mode Linux for this system')
    assert.equal(status, 0, stdout)
    assert.match(stdout, /pass [1-9]/)
    assert.match(stdout, /skipped 0/)
  })
})
