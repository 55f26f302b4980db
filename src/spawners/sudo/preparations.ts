/**
 * For whom a preloader waits, and who may have one: each takes a processor for some seconds and memory for some minutes,
 * for a start that may never come. What is known here may be lost: what waits then ends by itself.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/runtime.ts'
import { limitedQueue } from '../../launcher/one-at-a-time.ts'
import type { Answers, Asked } from '../../launcher/protocol.ts'
import type { ServerProcesses } from './server-process.ts'

export interface Preparations {
  /** Answers when all is imported, or not going to be. */
  prepare(asked: Asked<'prepare'>, signal?: AbortSignal): Promise<Answers['prepare']>
  /** Called before each start, which uses up what waits. */
  starting(user: string): Promise<void>
}

export interface PreparationOptions {
  /** How many may wait at the same time. */
  readonly atMost: number
  /** Asks the helper of the user. */
  ask(asked: Asked<'prepare'>): Promise<Answers['prepare']>
  readonly processes: Pick<ServerProcesses, 'look'>
  readonly log: Logger
  /** Bytes. */
  readonly memory?: () => { readonly available: number; readonly total: number }
}

type Waiting = Extract<Answers['prepare'], { state: 'waiting' }>

interface Pending {
  /** Aborts when the server is started. */
  readonly started: AbortController
  /** Of that, and of whoever asked. */
  readonly signal: AbortSignal
  asking?: Promise<unknown>
}

/** What one that waits takes, at most. */
const BYTES_OF_ONE = 150 * 2 ** 20
/** Of all memory, for what people do. */
const PART_KEPT_FREE = 0.25
const IMPORTED_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 250
/** Nothing waits for longer, also where the hub cannot see processes of others. */
const WAITS_AT_MOST_MS = 10 * 60_000
/** Who cannot be prepared for is not asked about at every visit. */
const ASK_AGAIN_MS = 5 * 60_000
/** What a preloader calls itself when all is imported, see `preload.py`. */
const IMPORTED_NAME = 'orrery-preload'

export function preparations(options: PreparationOptions): Preparations {
  const { atMost, ask, processes, log, memory = memoryOfMachine } = options
  const waiting = new Map<string, Waiting & { readonly until: number }>()
  const pending = new Map<string, Pending>()
  const impossible = new Map<string, { readonly until: number; readonly reason: string }>()
  const inTurn = limitedQueue(availableParallelism(), atMost)

  async function prepare(asked: Asked<'prepare'>, asker?: AbortSignal): Promise<Answers['prepare']> {
    const { user } = asked.key
    if (pending.has(user)) return not('it is being prepared')
    const started = new AbortController()
    const own: Pending = { started, signal: AbortSignal.any([started.signal, ...(asker ? [asker] : [])]) }
    pending.set(user, own)
    try {
      return await (inTurn(() => prepareInTurn(asked, own)) ?? not('too many are being prepared'))
    } finally {
      pending.delete(user)
    }
  }

  /** Keeps its turn until all is imported: more at the same time would be in each other's way, and in that of starts. */
  async function prepareInTurn(asked: Asked<'prepare'>, own: Pending): Promise<Answers['prepare']> {
    const { user } = asked.key
    const { signal } = own
    await forgetEnded()
    if (signal.aborted) return not('nobody waits for it')
    const known = waiting.get(user)
    if (known) return known
    const fault = impossible.get(user)?.reason ?? faultOfRoom()
    if (fault !== undefined) return not(fault)
    const asking = ask(asked).catch(error => not(error instanceof Error ? error.message : String(error)))
    own.asking = asking
    const answer = await asking
    if (answer.state === 'impossible') tellOnce(user, answer.reason)
    if (answer.state === 'waiting' && !own.started.signal.aborted) {
      waiting.set(user, { ...answer, until: Date.now() + WAITS_AT_MOST_MS })
      log.debug({ user, pid: answer.pid }, 'a start is prepared')
      await imported(user, answer, signal)
    }
    return answer
  }

  function faultOfRoom(): string | undefined {
    if (waiting.size >= atMost) return 'enough starts are prepared'
    const { available, total } = memory()
    return available - BYTES_OF_ONE < total * PART_KEPT_FREE ? 'too little memory is free' : undefined
  }

  function tellOnce(user: string, reason: string): void {
    const isNew = ![...impossible.values()].some(other => other.reason === reason)
    if (isNew) log.info({ user, reason }, 'starts are not prepared')
    impossible.set(user, { until: Date.now() + ASK_AGAIN_MS, reason })
  }

  async function forgetEnded(): Promise<void> {
    const now = Date.now()
    for (const [user, { until }] of impossible) if (until < now) impossible.delete(user)
    for (const [user, process] of waiting) {
      if (process.until < now || (await processes.look(user, process)) === 'gone') waiting.delete(user)
    }
  }

  async function imported(user: string, process: Waiting, signal: AbortSignal): Promise<void> {
    for (const until = Date.now() + IMPORTED_WITHIN_MS; Date.now() < until && !signal.aborted; ) {
      if ((await nameOf(process.pid)) === IMPORTED_NAME) return
      if ((await processes.look(user, process)) !== 'runs') return
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }

  return {
    prepare,
    async starting(user) {
      const own = pending.get(user)
      own?.started.abort()
      // The start finds it once it has been written down.
      await own?.asking
      waiting.delete(user)
    },
  }
}

function not(reason: string): Answers['prepare'] {
  return { state: 'impossible', reason }
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
}

/** With the limits of a control group that the hub is in, and so are the servers. */
function memoryOfMachine(): { available: number; total: number } {
  const limit = process.constrainedMemory()
  return { available: process.availableMemory(), total: limit > 0 ? Math.min(limit, totalmem()) : totalmem() }
}
