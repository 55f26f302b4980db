/**
 * How servers ended while no launcher was there to see it: written by their parent, `python/launcher/orrery_forker/keeper.py`,
 * where a launcher serves one user and ends after each request.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { privateDirectory } from './private-directory.ts'
import type { ServerExit } from './protocol.ts'

export interface KeptExits {
  readonly folder: string
  find(server: { readonly pid: number; readonly startTime: string }): ServerExit | undefined
  /** Those that nobody has asked for. */
  removeOld(): void
}

const OLD_MS = 7 * 24 * 3600_000

const written = z.strictObject({ status: z.int().optional(), signal: z.string().optional() })

export function keptExits(stateDir: string): KeptExits {
  const folder = privateDirectory(join(stateDir, 'exits'))
  return {
    folder,
    find({ pid, startTime }) {
      try {
        const text = readFileSync(join(folder, `${pid}-${basename(startTime)}`), 'utf8')
        const { status, signal } = written.parse(JSON.parse(text))
        return { ...(status !== undefined && { status }), ...(signal !== undefined && { signal }) }
      } catch {
        return undefined // not there, or the user's own doing
      }
    },
    removeOld() {
      for (const path of readdirSync(folder).map(name => join(folder, name))) {
        const entry = statSync(path, { throwIfNoEntry: false })
        if (entry && entry.mtimeMs < Date.now() - OLD_MS) rmSync(path, { force: true })
      }
    },
  }
}
