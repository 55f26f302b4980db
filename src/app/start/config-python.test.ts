import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findConfigPython } from './config-python.ts'
import { lockFolder } from './folder-lock.ts'

const terminal = { progress() {}, progressDone() {} }

describe('the interpreter for a Python config', () => {
  const base = mkdtempSync(join(tmpdir(), 'orrery-config-python-'))
  after(() => rmSync(base, { recursive: true }))

  it('is the one that a flag or else a variable names', async () => {
    const env = { ORRERY_CONFIG_PYTHON: '/opt/b/bin/python' }
    const ask = (named: string | undefined) => findConfigPython({ named, dataDir: undefined, env, terminal })

    assert.deepEqual(await ask('/opt/a/bin/python'), { path: '/opt/a/bin/python', isOwn: false })
    assert.deepEqual(await ask('python3'), { path: 'python3', isOwn: false })
    assert.deepEqual(await ask(undefined), { path: '/opt/b/bin/python', isOwn: false })
  })

  it('is not made while another makes it in the same data folder', async () => {
    const dataDir = join(base, 'used')
    mkdirSync(join(dataDir, 'run'), { recursive: true })
    const lock = lockFolder(join(dataDir, 'run', 'orrery.lock'), dataDir)

    await assert.rejects(findConfigPython({ named: undefined, dataDir, env: {}, terminal }), {
      code: 'data_folder_in_use',
    })
    lock.release()
  })

  it('is not run by root out of a folder that others can change', { skip: process.getuid?.() !== 0 }, async () => {
    const dataDir = join(base, 'open')
    mkdirSync(dataDir)
    chmodSync(dataDir, 0o777)

    await assert.rejects(findConfigPython({ named: undefined, dataDir, env: {}, terminal }), { code: 'folder_unsafe' })
  })
})
