import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { siteFor } from '../testing.ts'
import { diskCheck } from './disk.ts'

const takesMounts =
  process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
    ? false
    : 'takes root that may mount'

describe('disks as the doctor sees them', { skip: takesMounts }, () => {
  /** What is found of a file system of its own, with these options of mount(8). */
  async function onDisk(options: string, fill: (folder: string) => void) {
    await using made = await siteFor(folder => ({ dataDir: join(folder, 'disk') }))
    const { dataDir } = made.site.config
    mkdirSync(dataDir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dataDir])
    try {
      fill(dataDir)
      const found = await made.run(diskCheck)
      return found.filter(({ message }) => message.startsWith(dataDir)).map(({ item, level }) => `${item} ${level}`)
    } finally {
      execFileSync('umount', ['--lazy', dataDir])
    }
  }
  const filled = (bytes: number) => (folder: string) =>
    void execFileSync('fallocate', ['-l', String(bytes), join(folder, 'filler')])
  const MIB = 1024 ** 2

  it('has space', async () => {
    assert.deepEqual(await onDisk('size=100m', () => {}), ['space ok'])
  })

  it('is nearly full, or full', async () => {
    const small = await onDisk('size=2000m', filled(1945 * MIB))
    const full = await onDisk('size=16m', filled(10 * MIB))

    assert.deepEqual(small, ['space warning'])
    assert.deepEqual(full, ['space failure'])
  })

  it('takes no more files, whatever space is left', async () => {
    const fill = (folder: string) => {
      for (let number = 0; number < 60; number++) writeFileSync(join(folder, `${number}`), '')
    }

    assert.deepEqual(await onDisk('size=100m,nr_inodes=62', fill), ['space ok', 'files failure'])
  })

  it('is mounted for reading alone', async () => {
    const fill = (folder: string) => void execFileSync('mount', ['-o', 'remount,ro', folder])

    assert.deepEqual(await onDisk('size=100m', fill), ['space ok', 'read-only failure'])
  })
})
