import { existsSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { LEAST_BYTES } from '../../app/start/disk-space.ts'
import { bytesWords } from '../../core/for-browsers/usage-words.ts'
import { parseDatabaseUrl } from '../../db/database-url.ts'
import { defineCheck, failure, type Outcome, ok, type Site, warning } from '../check.ts'
import { mountOf } from '../mounts.ts'

const GIB = 1024 ** 3
/** Below it somebody should look, unless the file system is small: then a twentieth of it. */
const LOW_BYTES = 2 * GIB
const LOW_SHARE = 0.05
const LOW_INODES = 0.02

export const diskCheck = defineCheck({
  id: 'disk',
  title: 'Disk space',
  items: {
    space: 'Free bytes of each file system that has the data folder, the database, homes or temporary files on it.',
    files: 'How many more files each of them takes (inodes).',
    'read-only': 'None of them is mounted for reading alone.',
  },
  async run(site) {
    return fileSystems(site).flatMap(look)
  },
})

interface FileSystem {
  /** The first folder on it. */
  readonly folder: string
  /** What lies there, in words. */
  readonly holds: readonly string[]
}

function fileSystems(site: Site): FileSystem[] {
  const url = parseDatabaseUrl(site.config.dbUrl)
  const places: [folder: string, what: string][] = [
    [site.paths.dataDir, 'the data folder'],
    ...(url.dialect === 'sqlite' && url.file ? [[dirname(url.file), 'the database'] as [string, string]] : []),
    // Without root all servers work in the data folder.
    ...(site.isRoot || site.hubOwner?.uid !== process.getuid?.() ? [['/home', 'homes'] as [string, string]] : []),
    [tmpdir(), 'temporary files'],
  ]
  const systems = new Map<number, { folder: string; holds: string[] }>()
  for (const [folder, what] of places) {
    const there = nearest(folder)
    const device = statSync(there).dev
    const known = systems.get(device)
    if (known) known.holds.push(what)
    else systems.set(device, { folder: there, holds: [what] })
  }
  return [...systems.values()]
}

function look({ folder, holds }: FileSystem): Outcome<'space' | 'files' | 'read-only'>[] {
  const { bavail, bsize, blocks, files, ffree } = statfsSync(folder)
  const free = bavail * bsize
  const size = blocks * bsize
  const what = `${folder} (${holds.join(', ')})`
  const details = { folder, holds, free_bytes: free, size_bytes: size }
  const outcomes: Outcome<'space' | 'files' | 'read-only'>[] = []
  const next = `Free some space: du -xh --max-depth=2 ${folder} | sort -h | tail shows what takes it.`
  if (free < LEAST_BYTES) outcomes.push(failure('space', `${what} is full: ${bytesWords(free)} free.`, next, details))
  else if (free < Math.min(LOW_BYTES, size * LOW_SHARE)) {
    outcomes.push(
      warning('space', `${what} is nearly full: ${bytesWords(free)} free of ${bytesWords(size)}.`, next, details),
    )
  } else outcomes.push(ok('space', `${what} has ${bytesWords(free)} free.`, details))
  // Some file systems have no fixed number of files and say 0.
  if (files > 0 && ffree / files < LOW_INODES) {
    const told = { folder, free_files: ffree, files }
    const many = `Remove many small files: find ${folder} -xdev -type d -size +1M shows crowded folders.`
    outcomes.push(
      ffree < 100
        ? failure('files', `${what} takes ${ffree} more files, whatever space is left (inodes).`, many, told)
        : warning('files', `${what} takes ${ffree} more files of ${files} (inodes).`, many, told),
    )
  }
  if (mountOf(folder)?.options.split(',').includes('ro')) {
    outcomes.push(
      failure(
        'read-only',
        `${what} is mounted for reading alone.`,
        'dmesg tells whether the disk had faults; then remount it for writing.',
      ),
    )
  }
  return outcomes
}

/** A path that is not there yet lies on the file system of what is. */
function nearest(path: string): string {
  for (let at = path; ; at = dirname(at)) if (existsSync(at) || at === dirname(at)) return at
}
