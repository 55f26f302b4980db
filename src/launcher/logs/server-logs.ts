import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ServerKey } from '../../core/server-key.ts'
import type { LogPart, LogPlace } from '../../plugin/spawner.ts'
import { privateDirectory } from '../private-directory.ts'
import { serverDigest } from '../server-records.ts'
import { bytesTurned, readLog } from './read-log.ts'

/** Files of one server: the running one and the two before it. */
const KEPT = 3

export interface ServerLogs {
  /** Turns the files over and makes a new one. Its path; only the launcher's own user gets there. */
  begin(key: ServerKey): string
  tail(key: ServerKey, lines: number): Promise<string>
  read(key: ServerKey, place: LogPlace): Promise<LogPart>
  remove(key: ServerKey): void
  /** Empties logs that have grown above the limit, keeping their content as the file before. */
  turnOver(maxBytes: number): Promise<void>
}

/**
 * Servers write into files of the launcher's own folder through a descriptor that they have from before they became the user, so no path of a user's is
 * ever opened with privilege and no user can read or replace another's log.
 */
export function serverLogs(stateDir: string): ServerLogs {
  const folder = privateDirectory(join(stateDir, 'logs'))
  const pathOf = (name: string, age: number) => join(folder, age === 0 ? `${name}.log` : `${name}.log.${age}`)
  /** How many bytes of the same run stood before this file's: places in a log stay what they are. */
  const turnedOf = (name: string, age: number) => `${pathOf(name, age)}.turned`
  const read = (key: ServerKey, place: LogPlace) => {
    const name = serverDigest(key)
    const ages = Array.from({ length: KEPT }, (_, age) => age)
    return readLog(
      ages.map(age => ({ path: pathOf(name, age), turned: turnedOf(name, age) })),
      place,
    )
  }
  const removeAge = (name: string, age: number) => {
    for (const path of [pathOf(name, age), turnedOf(name, age)]) rmSync(path, { force: true })
  }
  return {
    begin(key) {
      const name = serverDigest(key)
      removeAge(name, KEPT - 1)
      for (let age = KEPT - 2; age >= 0; age--) {
        for (const pathAt of [pathOf, turnedOf]) {
          if (existsSync(pathAt(name, age))) renameSync(pathAt(name, age), pathAt(name, age + 1))
        }
      }
      writeFileSync(pathOf(name, 0), '', { flag: 'wx', mode: 0o600 })
      return pathOf(name, 0)
    },
    async tail(key, lines) {
      return (await read(key, { lines, whole: true })).text
    },
    read,
    remove(key) {
      for (let age = 0; age < KEPT; age++) removeAge(serverDigest(key), age)
    },
    async turnOver(maxBytes) {
      for (const file of await readdir(folder)) {
        if (!file.endsWith('.log')) continue
        const path = join(folder, file)
        if ((await stat(path)).size <= maxBytes) continue
        // The server keeps its descriptor, so the file is copied and emptied; it was opened for appending, which makes
        // the next line land at the new beginning.
        const name = file.slice(0, -'.log'.length)
        removeAge(name, 1)
        await pipeline(createReadStream(path), createWriteStream(pathOf(name, 1), { mode: 0o600, flags: 'wx' }))
        const { size } = await stat(pathOf(name, 1))
        await truncate(path)
        writeFileSync(turnedOf(name, 0), String((await bytesTurned(turnedOf(name, 0))) + size), { mode: 0o600 })
      }
    },
  }
}
