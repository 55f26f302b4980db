import { constants, createReadStream, createWriteStream, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ServerKey } from '../core/server-key.ts'
import { privateDirectory } from './private-directory.ts'
import { serverDigest } from './server-records.ts'

/** Files of one server: the running one and the two before it. */
const KEPT = 3
const MAX_TAIL_BYTES = 1024 * 1024

export interface ServerLogs {
  /** Turns the files over and makes a new one. Its path; only the launcher's own user gets there. */
  begin(key: ServerKey): string
  tail(key: ServerKey, lines: number): Promise<string>
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
  return {
    begin(key) {
      const name = serverDigest(key)
      rmSync(pathOf(name, KEPT - 1), { force: true })
      for (let age = KEPT - 2; age >= 0; age--) {
        if (existsSync(pathOf(name, age))) renameSync(pathOf(name, age), pathOf(name, age + 1))
      }
      writeFileSync(pathOf(name, 0), '', { flag: 'wx', mode: 0o600 })
      return pathOf(name, 0)
    },
    async tail(key, lines) {
      return withoutSecrets(await lastLines(pathOf(serverDigest(key), 0), lines))
    },
    remove(key) {
      for (let age = 0; age < KEPT; age++) rmSync(pathOf(serverDigest(key), age), { force: true })
    },
    async turnOver(maxBytes) {
      for (const file of await readdir(folder)) {
        if (!file.endsWith('.log')) continue
        const path = join(folder, file)
        if ((await stat(path)).size <= maxBytes) continue
        // The server keeps its descriptor, so the file is copied and emptied; it was opened for appending, which makes
        // the next line land at the new beginning.
        await pipeline(createReadStream(path), createWriteStream(`${path}.1`, { mode: 0o600 }))
        await truncate(path)
      }
    },
  }
}

async function lastLines(path: string, lines: number): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const length = Math.min(size, MAX_TAIL_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
    const text = buffer.toString('utf8', 0, bytesRead).replace(/\n$/, '')
    return text === '' ? '' : `${text.split('\n').slice(-lines).join('\n')}\n`
  } finally {
    await file.close()
  }
}

/** Tokens in addresses and headers that servers print. */
function withoutSecrets(text: string): string {
  return text.replace(/([?&](?:token|code|state)=|authorization: *(?:token|bearer) +)[^\s&"']+/gi, '$1[hidden]')
}
