/**
 * A launcher that serves one user and ends after each request can leave a preloader behind: a process of the user's that
 * waits for the next start, see `python/launcher/orrery_forker/awaited.py`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { LauncherOptions } from '../options.ts'
import { findProcess } from '../processes/process-info.ts'
import type { Answers } from '../protocol.ts'
import { type ForkedProcess, type Forker, ForkerGone, openForker, reachForker } from './forker.ts'
import { type KeptForker, withKnownEnd } from './forkers.ts'
import { type PreloadableCommand, preloadable } from './preloadable.ts'
import { foldersOf, levelOf, preloaderCommand, preloaderEnvironment, stampOf } from './preloading.ts'
import { isRunning, type PreparedProcess, preparedRecord } from './prepared-process.ts'

export interface PreparedForker extends KeptForker {
  /** For a program that may be started. */
  prepare(argv: readonly string[]): Promise<Answers['prepare']>
}

type Options = Pick<
  LauncherOptions,
  'stateDir' | 'commands' | 'preload' | 'environment' | 'allowedEnvironment' | 'path' | 'maxLogBytes' | 'log'
>

/** What remains to be imported takes as long as it would in a start from nothing. */
const READY_WITHIN_MS = 30_000

/**
 * Falls back to `plain` for other programs and where it is better, and tells why. `waitSeconds`: for a start; `seed`: file
 * with what is known for everybody, see `known.py`.
 */
export function preparedForker(
  plain: KeptForker,
  options: Options,
  { waitSeconds, seed }: { readonly waitSeconds: number; readonly seed: string },
): PreparedForker {
  const record = preparedRecord(options.stateDir)

  async function prepare(argv: readonly string[]): Promise<Answers['prepare']> {
    const program = preloadedProgram(argv)
    if (!program) return { state: 'impossible', reason: 'this program is not preloaded' }
    const last = record.find()
    if (last && isFor(last, argv)) {
      if (isRunning(last)) return waiting(last)
      const reason = record.faultOf(last)
      if (reason !== undefined) return { state: 'impossible', reason }
    }
    if (last) record.end(last)
    rmSync(record.socket, { force: true })
    return waiting(await begin(program))
  }

  function preloadedProgram(argv: readonly string[]): PreloadableCommand | undefined {
    if (options.preload === 'off') return undefined
    const command = options.commands.find(command => command.every((word, at) => argv[at] === word))
    return command && preloadable(command)
  }

  /** For `python/launcher/__main__.py`: how it shall keep its server, what it may know already, and what to import. */
  function wordsFor({ command: [program = ''] }: PreloadableCommand): string[] {
    const { stateDir, maxLogBytes } = options
    const keeper = [join(stateDir, 'exits'), join(stateDir, 'logs'), String(maxLogBytes)]
    return [...keeper, record.folder, seed, program, levelOf(options)]
  }

  async function begin(program: PreloadableCommand): Promise<PreparedProcess> {
    const { command, python } = program
    const [file, ...args] = preloaderCommand(python, ['await', String(waitSeconds), ...wordsFor(program)])
    const stamp = stampOf(Object.keys(foldersOf(program)))
    const output = openSync(record.log, 'w', 0o600)
    try {
      const env = preloaderEnvironment(options)
      // A session of its own: it goes on when this process ends. The last number is kept for its socket.
      const child = spawn(file, args, { cwd: '/', env, detached: true, stdio: ['ignore', output, output, output] })
      await once(child, 'spawn')
      child.unref()
      const pid = child.pid! // it has been started
      const startTime = findProcess(pid)?.startTime ?? ''
      const prepared = { pid, startTime, command: [...command], stamp, startedAt: Date.now() }
      record.write(prepared)
      return prepared
    } finally {
      closeSync(output)
    }
  }

  /** What was prepared is used up by any start. Undefined, or a reason, where the start does better without. */
  async function take(argv: readonly string[]): Promise<Forker | string | undefined> {
    const last = record.find()
    if (!last || !isRunning(last)) return (last && record.faultOf(last)) ?? (await beginNow(argv))
    record.remove()
    if (!isFor(last, argv)) return giveUp(last, 'another program was prepared')
    try {
      return await reachForker(record.socket, { pid: last.pid, program: last.command[0] ?? '' }, READY_WITHIN_MS)
    } catch (error) {
      // What to import takes as long to find out as to import, see `Known`.
      const hasBegunOnly = (error as NodeJS.ErrnoException).code === 'ENOENT'
      return giveUp(last, hasBegunOnly ? 'what was prepared had only begun' : reasonOf(error))
    }
  }

  /** Imports take the same time before a fork as after it, and after it kernels can be forked, too. */
  async function beginNow(argv: readonly string[]): Promise<Forker | string | undefined> {
    const program = preloadedProgram(argv)
    if (!program) return undefined
    const words = preloaderCommand(program.python, ['once', ...wordsFor(program)])
    const settings = { env: preloaderEnvironment(options), log: options.log, timeoutMs: READY_WITHIN_MS }
    return await openForker(words, settings).catch(error => String(error.message))
  }

  function giveUp(last: PreparedProcess, reason: string): string {
    record.end(last)
    return reason
  }

  const reasonOf = (error: unknown) => record.lastWords() || (error instanceof Error ? error.message : String(error))

  return {
    prepare,
    async fork(order) {
      const taken = await take(order.argv)
      if (taken === undefined) return await plain.fork(order)
      if (typeof taken === 'string') return withReason(await plain.fork(order), taken)
      try {
        return withKnownEnd(await taken.fork(order), taken.gone)
      } catch (error) {
        if (!(error instanceof ForkerGone)) throw error
        return withReason(await plain.fork(order), reasonOf(error))
      }
    },
    close: () => plain.close(),
  }
}

function waiting({ pid, startTime }: PreparedProcess): Answers['prepare'] {
  return { state: 'waiting', pid, startTime }
}

/** Of the same environment, and the same program of it. */
function isFor({ command }: PreparedProcess, argv: readonly string[]): boolean {
  return command.every((word, at) => argv[at] === word)
}

function withReason(forked: ForkedProcess, fresh: string): ForkedProcess {
  const report = forked.report.then(said => (said?.ok ? { fresh, ...said } : said))
  return { ...forked, report }
}
