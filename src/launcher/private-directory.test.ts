import assert from 'node:assert/strict'
import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { keptExits } from './kept-exits.ts'
import { serverLogs } from './logs/server-logs.ts'
import { privateDirectory } from './private-directory.ts'
import { serverRecords } from './server-records.ts'

const skip = process.getuid?.() !== 0 && 'needs root'

describe('a folder of the launcher', () => {
  let base: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'orrery-private-'))
    chmodSync(base, 0o755)
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  it('is made for its owner alone, whatever the umask', () => {
    const path = privateDirectory(join(base, 'a/b/c'))
    assert.equal(statSync(path).mode & 0o777, 0o700)
  })

  it('is no symbolic link', () => {
    mkdirSync(join(base, 'real'))
    symlinkSync(join(base, 'real'), join(base, 'logs'))
    assert.throws(() => serverLogs(base), { code: 'folder_unsafe' })
  })

  it("may lie behind a link of root's, not behind one of somebody else", { skip }, () => {
    mkdirSync(join(base, 'real'))
    symlinkSync(join(base, 'real'), join(base, 'link'))
    privateDirectory(join(base, 'link/state'))
    lchownSync(join(base, 'link'), 4242, 4242)
    assert.throws(() => privateDirectory(join(base, 'link/state')), { code: 'folder_unsafe' })
  })

  it('is not one that a user has made before, with what is kept of servers in mind', { skip }, () => {
    chmodSync(base, 0o1777) // as /tmp
    for (const [name, open] of [
      ['logs', serverLogs],
      ['records', serverRecords],
      ['exits', keptExits],
    ] as const) {
      mkdirSync(join(base, name), { mode: 0o777 })
      chownSync(join(base, name), 4242, 4242)
      assert.throws(() => open(base), { code: 'folder_unsafe' }, name)
    }
  })

  it('is not below a folder that others can write', { skip }, () => {
    mkdirSync(join(base, 'open'))
    chmodSync(join(base, 'open'), 0o777)
    assert.throws(() => privateDirectory(join(base, 'open/state')), { code: 'folder_unsafe' })
  })

  it('is not below a folder of somebody else', { skip }, () => {
    mkdirSync(join(base, 'hub'))
    chownSync(join(base, 'hub'), 4242, 4242)
    assert.throws(() => privateDirectory(join(base, 'hub/state')), { code: 'folder_unsafe' })
  })
})
