/** Which Python runs the forker. It is started with the launcher's rights, so it must be nobody else's. */
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import type { Logger } from '../../core/runtime.ts'
import { isRoot, type LauncherOptions } from '../options.ts'
import { assertUnmovable } from '../private-directory.ts'
import { Refusal } from '../refusal.ts'
import { type Forker, openForker } from './forker.ts'

/** A folder with `__main__.py`. */
export const FORKER_PROGRAM = join(import.meta.dirname, '../../../python/launcher')
const READY_WITHIN_MS = 10_000
/** Isolated, without site packages, UTF-8 whatever the locale, and nothing written beside the program. */
export const FORKER_FLAGS = ['-I', '-S', '-B', '-X', 'utf8'] as const

/**
 * Opens a forker with the first Python that can run one; `words` are for its program. Throws Refusal `forker_python_missing`.
 */
export async function openAnyForker(
  options: Pick<LauncherOptions, 'commands' | 'log'>,
  words: readonly string[] = [],
): Promise<Forker> {
  const tried: string[] = []
  for (const python of candidates(options.commands)) {
    const fault = isRoot() ? faultOf(python) : undefined
    if (fault !== undefined) {
      tried.push(`${python}: ${fault}`)
      continue
    }
    try {
      return await openWith(python, words, options.log)
    } catch (error) {
      tried.push(`${python}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  options.log.error({ tried }, 'no Python for the launcher')
  throw new Refusal(
    'forker_python_missing',
    'The launcher found no Python (3.10 or newer) to fork servers with.',
    'Install one for the whole system (apt install python3; dnf install python3); the log tells what was tried.',
  )
}

function openWith(python: string, words: readonly string[], log: Logger): Promise<Forker> {
  return openForker([python, ...FORKER_FLAGS, FORKER_PROGRAM, ...words], { env: {}, log, timeoutMs: READY_WITHIN_MS })
}

/** The system's, then those of the servers' own environments, then what is on the path of whoever started this. */
function* candidates(commands: LauncherOptions['commands']): Generator<string> {
  const ofSystem = ['/usr/bin', '/usr/local/bin']
  const ofServers = commands.map(([program = '']) => dirname(program))
  const ofPath = isRoot() ? [] : (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  for (const folder of new Set([...ofSystem, ...ofServers, ...ofPath])) {
    const python = join(folder, 'python3')
    if (existsSync(python)) yield python
  }
}

/** Why root must not run it. */
function faultOf(python: string): string | undefined {
  const program = realpathSync(python)
  try {
    for (const path of [program, join(dirname(program), '../lib')]) if (existsSync(path)) assertUnmovable(path)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
