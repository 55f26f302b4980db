import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerKey } from '../core/server-key.ts'
import type { Group } from './groups/group.ts'
import { privateDirectory } from './private-directory.ts'
import type { ServerExit } from './protocol.ts'
import type { StartedUnit } from './units/unit-runner.ts'

/** Of processes of a server that the kernel has killed since its memory was used up. */
export interface MemoryKills {
  /** What the group had counted when the server was started: jobs of an earlier run may still be in it. */
  readonly before: number
  readonly count: number
  readonly lastAt?: string
}

/** The last run of one server, kept so that a launcher started anew knows what an earlier one started. */
export interface ServerRecord {
  readonly key: ServerKey
  readonly pid: number
  readonly startTime: string
  readonly uid: number
  readonly startedAt: string
  readonly group?: Group
  readonly memoryKills?: MemoryKills
  /** The unit that it is the main process of. */
  readonly unit?: StartedUnit | undefined
  readonly exit?: ServerExit
}

export interface ServerRecords {
  find(key: ServerKey): ServerRecord | undefined
  /** The record whose file has this name. */
  findDigest(digest: string): ServerRecord | undefined
  write(record: ServerRecord): void
  remove(key: ServerKey): void
}

/** One small file a server, named by a digest: no name of a user reaches a path. */
export function serverRecords(stateDir: string): ServerRecords {
  const folder = privateDirectory(join(stateDir, 'records'))
  const pathOf = (key: ServerKey) => join(folder, `${serverDigest(key)}.json`)

  function findDigest(digest: string): ServerRecord | undefined {
    try {
      return JSON.parse(readFileSync(join(folder, `${digest}.json`), 'utf8')) as ServerRecord // written by this module alone
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  return {
    find(key) {
      const record = findDigest(serverDigest(key))
      return record?.key.user === key.user && record.key.server === key.server ? record : undefined
    },
    findDigest,
    write(record) {
      const path = pathOf(record.key)
      // Renamed into place: a launcher killed while writing leaves the former record, not half of one.
      writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
      renameSync(`${path}.new`, path)
    },
    remove: key => rmSync(pathOf(key), { force: true }),
  }
}

export function serverDigest(key: ServerKey): string {
  return createHash('sha256')
    .update(JSON.stringify([key.user, key.server]))
    .digest('hex')
    .slice(0, 32)
}
