import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../core/runtime.ts'
import { findProcess } from '../launcher/process-info.ts'
import { endProcess } from './process-records.ts'

export interface ServiceProgram {
  readonly command: readonly string[]
  readonly cwd?: string | undefined
  readonly environment: Readonly<Record<string, string>>
  /** Never shown in a log, should the service print it. */
  readonly secret: string
  readonly log: Logger
  /** Told before the process is waited for; what it throws is logged. */
  onStart(process: { pid: number; startTime: string }): Promise<void>
  onEnd(): Promise<void>
}

/** A service that ran for so long has not failed at its start. */
const STEADY_MS = 10_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const LONGEST_LINE = 4_000

/**
 * Runs a service and starts it again whenever it ends, after twice the time for each failure in a row. Ends it, and
 * returns, when `stop` aborts; never rejects.
 */
export async function keepService(program: ServiceProgram, stop: AbortSignal): Promise<void> {
  const { log } = program
  for (let failures = 0; !stop.aborted; ) {
    const startedAt = Date.now()
    const end = await runOnce(program, stop).catch(error => String(error))
    if (stop.aborted) break
    failures = Date.now() - startedAt > STEADY_MS ? 1 : failures + 1
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1))
    log.error({ end, pauseMs }, 'service ended, it is started again')
    await sleep(pauseMs, undefined, { signal: stop }).catch(() => {})
  }
}

/** Returns in words how it ended. */
async function runOnce(program: ServiceProgram, stop: AbortSignal): Promise<string> {
  const [file, ...args] = program.command
  const child = spawn(file!, args, {
    env: program.environment,
    cwd: program.cwd,
    // A session of its own: what it starts is ended with it, and no signal meant for the hub reaches it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = endOf(child)
  logLines(child, program)
  if (child.pid === undefined) return await ended
  const { pid } = child
  const startTime = (await findProcess(pid))?.startTime
  if (startTime !== undefined) {
    await program.onStart({ pid, startTime }).catch(err => program.log.warn({ err }, 'service could not be noted'))
    program.log.info({ pid }, 'service started')
  }
  const onStop = () => {
    if (startTime === undefined) child.kill('SIGKILL')
    else void endProcess({ pid, startTime }).catch(() => child.kill('SIGKILL'))
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  const end = await ended
  stop.removeEventListener('abort', onStop)
  await program.onEnd().catch(err => program.log.warn({ err }, 'end of a service could not be noted'))
  return end
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (status, signal) => resolve(signal ?? `exit status ${status}`))
  })
}

function logLines(child: ChildProcess, { log, secret }: ServiceProgram): void {
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', text => {
      log.info({ line: text.replaceAll(secret, '***').slice(0, LONGEST_LINE) }, 'service says')
    })
  }
}
