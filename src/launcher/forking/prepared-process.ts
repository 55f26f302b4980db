/** Which preloader waits for the user whose folder this is, as far as is written down there: one at most. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { privateDirectory } from '../private-directory.ts'
import { findProcess } from '../processes/process-info.ts'
import { isPresent } from './preloading.ts'

const schema = z.object({
  pid: z.int().min(2),
  startTime: z.string(),
  command: z.array(z.string()),
  /** Folders of packages, and when these had changed. */
  stamp: z.record(z.string(), z.string()),
  startedAt: z.number(),
})

export type PreparedProcess = z.infer<typeof schema>

export interface PreparedRecord {
  readonly folder: string
  /** Where it takes a connection, once it knows what to import. */
  readonly socket: string
  /** File for what it prints. */
  readonly log: string
  /** Undefined when there is none, or it has waited in vain: then it has removed what was written. */
  find(): PreparedProcess | undefined
  write(prepared: PreparedProcess): void
  remove(): void
  /** Ends the process with what it has started, and removes its socket. */
  end(prepared: PreparedProcess): void
  /** The reason why another one would fail like this one. */
  faultOf(prepared: PreparedProcess): string | undefined
  /** The last line of its log; empty for none. */
  lastWords(): string
}

/** An environment that could not be preloaded is tried again when its packages change, and now and then. */
const TRY_AGAIN_MS = 3_600_000
const REASON_LENGTH = 300

export function preparedRecord(stateDir: string): PreparedRecord {
  const folder = privateDirectory(join(privateDirectory(stateDir), 'preloader'))
  const [socket, file, log] = [join(folder, 'socket'), join(folder, 'process.json'), join(folder, 'log')]

  function lastWords(): string {
    try {
      return readFileSync(log, 'utf8').trim().split('\n').at(-1)!.slice(0, REASON_LENGTH) // there is a line, if an empty one
    } catch {
      return ''
    }
  }

  return {
    folder,
    socket,
    log,
    lastWords,
    find() {
      try {
        return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
      } catch {
        return undefined // not there, or the user's own doing
      }
    },
    write(prepared) {
      writeFileSync(`${file}.new`, JSON.stringify(prepared), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    remove: () => rmSync(file, { force: true }),
    end(prepared) {
      rmSync(socket, { force: true })
      if (!isRunning(prepared)) return
      try {
        process.kill(-prepared.pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    },
    faultOf({ stamp, startedAt }) {
      const isLikely = isPresent(stamp) && Date.now() - startedAt < TRY_AGAIN_MS
      return (isLikely && lastWords()) || undefined
    },
  }
}

export function isRunning({ pid, startTime }: PreparedProcess): boolean {
  const found = findProcess(pid)
  return found !== undefined && !found.ended && found.startTime === startTime
}
