import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { findProcess } from '../launcher/processes/process-info.ts'
import type { ServiceRun } from './keep-service.ts'
import { endProcess } from './process-records.ts'

export interface OwnProgram extends ServiceRun {
  readonly command: readonly string[]
  readonly cwd?: string | undefined
  readonly environment: Readonly<Record<string, string>>
  /** Never shown in a log, should the service print it. */
  readonly secret: string
}

const LONGEST_LINE = 4_000

/** Runs a service once, as the hub's own user, until it ends or `stop` aborts. Returns in words how it ended. */
export async function runOwnProcess(program: OwnProgram, stop: AbortSignal): Promise<string> {
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
  const startTime = findProcess(pid)?.startTime
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

function logLines(child: ChildProcess, { log, secret }: OwnProgram): void {
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', text => {
      log.info({ line: text.replaceAll(secret, '***').slice(0, LONGEST_LINE) }, 'service says')
    })
  }
}
