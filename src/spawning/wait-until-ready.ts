/** Between "started" and "answers": asks the server, and its spawner whether it is still alive. */
import { setTimeout as sleep } from 'node:timers/promises'
import { exitReason } from '../core/exit-reason.ts'
import { SpawnError } from '../core/reason.ts'
import type { Exit } from '../plugin/spawner.ts'
import type { AskFault, ServerAnswer } from './ask-server.ts'
import { httpTimeoutReason, notOurServer } from './reasons.ts'

export interface ReadyProbe {
  ask(timeoutMs: number, signal: AbortSignal, onFault: (fault: AskFault) => void): Promise<ServerAnswer | undefined>
  /** Does what answered belong to this very server? */
  isOurs(signal: AbortSignal): Promise<boolean>
  /** Undefined while it runs. May throw when that cannot be known; the wait then goes on. */
  poll(signal: AbortSignal): Promise<Exit | undefined>
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 500
const LONGEST_ANSWER_MS = 10_000

/**
 * Any answer below 500 counts, as in JupyterHub, if it is this server's. Throws SpawnError `http_timeout`,
 * `address_taken`, or `exited_early` as soon as the process is gone; rejects with the signal's reason when that aborts.
 */
export async function waitUntilReady(probe: ReadyProbe): Promise<ServerAnswer> {
  const { signal, timeoutMs } = probe
  const deadline = performance.now() + timeoutMs
  let metStranger = false
  let lastSeen: string | undefined
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted()
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) {
      throw new SpawnError(metStranger ? notOurServer : httpTimeoutReason(timeoutMs, lastSeen), { status: 504 })
    }
    const answer = await probe.ask(Math.min(leftMs, LONGEST_ANSWER_MS), signal, fault => {
      // A question that is cut short at the end says less than what was seen before.
      if (fault !== 'silent' || leftMs >= LONGEST_ANSWER_MS || !lastSeen) lastSeen = FAULTS[fault]
    })
    if (answer) lastSeen = `it answers with status ${answer.status}`
    if (answer && answer.status < 500) {
      if (await probe.isOurs(signal)) return answer
      metStranger = true
    }
    signal.throwIfAborted()
    const exit = await probe.poll(signal).catch(() => undefined)
    if (exit) throw new SpawnError(exitReason(exit, 'starting'))
    await sleep(pauseMs, undefined, { signal }).catch(() => {})
  }
}

const FAULTS: Readonly<Record<AskFault, string>> = {
  refused: 'nothing listens at its address',
  silent: 'it takes connections, but does not answer',
  broken: 'it breaks connections off',
}
