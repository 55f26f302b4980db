import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { lockFolder } from './folder-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-lock-'))
after(() => rmSync(folder, { recursive: true }))

/** A process that takes the lock and lives until it is killed. */
async function holder(file: string) {
  const code = `import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)}
    lockFolder(${JSON.stringify(file)}, 'there'); console.log('locked'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('folder lock', () => {
  it('is refused to a second process, and free again after kill -9 of the first', async () => {
    const file = join(folder, 'one.lock')
    const child = await holder(file)

    assert.throws(() => lockFolder(file, '/data'), {
      code: 'data_folder_in_use',
      message: `Another Orrery runs on /data (process ${child.pid}).`,
    })

    child.kill('SIGKILL')
    await once(child, 'exit')
    lockFolder(file, '/data').release()
  })
})
