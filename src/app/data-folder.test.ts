import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { HubError } from '../core/errors.ts'
import { dataPaths, prepareDataFolder } from './data-folder.ts'
import { ensureSecretFile, readSecretFile } from './secret-file.ts'
import { checkDiskSpace } from './start/disk-space.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-data-'))
after(() => rmSync(folder, { recursive: true }))

describe('data folder', () => {
  it('is made for its owner alone, and made again without harm', () => {
    const paths = dataPaths(join(folder, 'deep', 'data'))

    prepareDataFolder(paths, undefined)
    writeFileSync(join(paths.hub, 'jupyterhub.sqlite'), 'x')
    prepareDataFolder(paths, undefined)

    assert.equal(statSync(paths.dataDir).mode & 0o777, 0o700)
    assert.equal(statSync(paths.hub).mode & 0o777, 0o700)
    assert.ok(existsSync(join(paths.hub, 'jupyterhub.sqlite')))
  })

  it('says what to do when it cannot be written', () => {
    writeFileSync(join(folder, 'a-file'), '')

    assert.throws(() => prepareDataFolder(dataPaths(join(folder, 'a-file', 'data')), undefined), {
      code: 'data_folder_unusable',
    })
  })

  it('of root does not lie where others can swap it', { skip: process.getuid?.() !== 0 && 'takes root' }, () => {
    const open = join(folder, 'open')
    prepareDataFolder(dataPaths(open), undefined)
    chmodSync(open, 0o777)

    assert.throws(() => prepareDataFolder(dataPaths(join(open, 'data')), { uid: 65534, gid: 65534 }), {
      code: 'folder_unsafe',
    })
    const paths = dataPaths(join(folder, 'good'))
    prepareDataFolder(paths, { uid: 65534, gid: 65534 })
    assert.equal(statSync(paths.dataDir).uid, 0)
    assert.equal(statSync(paths.hub).uid, 65534)
  })

  it('is refused when less space is free than is needed', () => {
    assert.throws(() => checkDiskSpace(folder, Number.MAX_SAFE_INTEGER), { code: 'disk_full' })
    assert.doesNotThrow(() => checkDiskSpace(folder, 1))
  })
})

describe('secret file', () => {
  it('is made once, as JupyterHub writes it, for its owner alone', () => {
    const path = join(folder, 'secret')

    const first = ensureSecretFile(path)

    assert.match(readFileSync(path, 'utf8'), /^[0-9a-f]{64}\n$/)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(ensureSecretFile(path), first)
  })

  it('is refused when everybody can read it', () => {
    const path = join(folder, 'open-secret')
    writeFileSync(path, 'abc', { mode: 0o644 })
    chmodSync(path, 0o644)

    assert.throws(
      () => readSecretFile(path),
      error => error instanceof HubError && error.code === 'secret_file_unsafe' && !error.message.includes('abc'),
    )
  })
})
