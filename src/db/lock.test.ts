import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { lockFolder } from './lock.ts'

describe('lock of a data folder', () => {
  it('is one process long, names its holder, and is freed by kill -9', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-lock-'))
    const script = `
      import { lockFolder } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)}
      await lockFolder(process.argv[1])
      console.log('locked')
      setInterval(() => {}, 1000)`
    const first = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(first.stdout, 'data')

    await assert.rejects(lockFolder(folder), { code: 'data_dir_in_use', message: new RegExp(`process ${first.pid}`) })
    first.kill('SIGKILL')
    await once(first, 'exit')

    const lock = await lockFolder(folder)
    await assert.rejects(lockFolder(folder), { code: 'data_dir_in_use' })
    await lockFolder(folder, 'proxy').then(other => other.release())
    lock.release()
    await lockFolder(folder).then(again => again.release())
    await rm(folder, { recursive: true })
  })
})
