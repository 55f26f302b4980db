import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../../core/errors.ts'
import { listenEnvironment } from '../../proxy/inherited-sockets.ts'
import type { PeerEnvelope } from '../../proxy/workers/link.ts'
import { predecessorEnvironment, type SucceedMessage } from '../../proxy/workers/succession.ts'
import { type ChildFailure, type ChildMessage, type ConfigMessage, type GoMessage, SUPERVISED } from '../supervised.ts'
import { type LogLine, parseLogLine } from './child-log.ts'
import type { HeldSocket } from './held-sockets.ts'

export interface ChildSpec {
  /** `hub`, `proxy`, `launcher` */
  readonly name: string
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly uid?: number
  readonly gid?: number
  /** Listening sockets that it inherits. */
  readonly sockets?: readonly HeldSocket[]
  /** What it is told first. */
  readonly config?: ConfigMessage
  /** What it cannot be ready without; it is told when that is there. Should this fail, the child is not started after all. */
  readonly after?: Promise<unknown>
  /** When to tell it the same where it is ready without, and some work of its own can wait. */
  readonly restAfter?: Promise<unknown>
  /** How long an orderly end may take before it is killed. */
  readonly graceMs: number
  /** It has work to do at its end: should it be killed or be starting just then, another one is started for that. */
  readonly hasLastWork?: boolean
  /** Resolves when it does its work. */
  isReady(): Promise<boolean>
  onLine(raw: string, line: LogLine): void
  onMessage?(message: ChildMessage): void
}

export interface KeptChild {
  readonly name: string
  readonly pid: number | undefined
  /**
   * Starts another process that takes the place of this one by agreement with it, and resolves when it has. The former one
   * ends by itself when it has nothing more to do. Throws HubError `child_failed` when the other one fails; then all is
   * as before.
   */
  replace(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
  kill(): void
}

const READY_WITHIN_MS = 60_000
const LOOK_AGAIN_MS = 10
/** What a child has said last arrives a little after its end. */
const LAST_WORDS_MS = 200
/** A child that ran for so long has not failed at its start: it comes back at once. */
const STEADY_MS = 10_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Starts a child, resolves when it is ready, and starts it again whenever it ends, the second time in a row after
 * half a second, then after twice as long each time. Throws what the child gave as its reason, else HubError
 * `child_failed`, when it ends before it is ready, or what `after` failed with.
 */
export async function keepRunning(spec: ChildSpec, onRestart: (text: string) => void): Promise<KeptChild> {
  let failure: ChildFailure | undefined
  const family = new Map<number, ChildProcess>()
  let child = begin(spec, told => {
    failure = told
  })
  let startedAt = Date.now()
  let failures = 0
  let stopping = false
  let replacing: Promise<void> | undefined
  let stopPause = new AbortController()

  await Promise.all([untilReady(spec, child, () => failure), spec.after]).catch(async error => {
    child.kill('SIGKILL')
    await ended(child)
    throw error
  })
  void watch()

  /** Those that run at the same time can talk to each other. */
  function begin(spec: ChildSpec, onFailure: (failure: ChildFailure) => void): ChildProcess {
    const begun = start(spec, onFailure)
    if (begun.pid === undefined) return begun
    const { pid } = begun
    family.set(pid, begun)
    begun.on('message', value => {
      const { type, to } = value as PeerEnvelope | { type: 'replace'; to?: undefined } // our own program at the other end
      if (type === 'peer') family.get(to)?.send(value as PeerEnvelope, () => {})
      else if (type === 'replace')
        replace().catch(error => onRestart(`${spec.name} was not replaced: ${error.message}`))
    })
    begun.once('exit', () => {
      family.delete(pid)
      for (const [to, other] of family) {
        const farewell: PeerEnvelope = { type: 'peer', from: pid, to, message: { kind: 'gone' } }
        other.send(farewell, () => {})
      }
    })
    return begun
  }

  /** Looks after the child of now until it is another one's turn. */
  async function watch(): Promise<void> {
    while (!stopping) {
      const watched = child
      const end = await ended(watched)
      if (stopping || watched !== child) return
      failures = Date.now() - startedAt > STEADY_MS ? 0 : failures + 1
      const pause = failures <= 1 ? 0 : Math.min(LONGEST_PAUSE_MS, 250 * 2 ** (failures - 1))
      onRestart(`${spec.name} ended (${end}), started again${pause ? ` in ${pause / 1000} s` : ''}`)
      stopPause = new AbortController()
      await sleep(pause, undefined, { signal: stopPause.signal }).catch(() => {})
      if (stopping) return
      child = begin(spec, told => spec.onLine(...failureLine(told, SHOWN)))
      startedAt = Date.now()
    }
  }

  function replace(): Promise<void> {
    replacing ??= replaceNow().finally(() => {
      replacing = undefined
    })
    return replacing
  }

  async function replaceNow(): Promise<void> {
    if (stopping || child.pid === undefined) return
    const former = child
    let told: ChildFailure | undefined
    const next = begin({ ...spec, env: { ...spec.env, ...predecessorEnvironment(child.pid) } }, failure => {
      told = failure
    })
    const ready = saidReady(next)
    const order: SucceedMessage = { type: 'succeed', pid: next.pid ?? 0 }
    former.send(order, () => {})
    const outcome = await Promise.race([ready.then(() => 'ready'), ended(next), sleep(READY_WITHIN_MS, 'no answer')])
    if (outcome === 'ready') {
      child = next
      startedAt = Date.now()
      void watch()
      return
    }
    next.kill('SIGKILL')
    await sleep(LAST_WORDS_MS)
    if (told) throw failedAsTold(spec.name, told, next.exitCode)
    throw new HubError('child_failed', { status: 500, message: `The ${spec.name} could not start (${outcome}).` })
  }

  const everyone = () => new Set([child, ...family.values()])
  return {
    name: spec.name,
    get pid() {
      return child.pid
    },
    replace,
    kill() {
      stopping = true
      stopPause.abort()
      for (const one of everyone()) one.kill('SIGKILL')
    },
    async stop() {
      stopping = true
      stopPause.abort()
      const outcomes = await Promise.all([...everyone()].map(one => stopChild(one, spec.graceMs)))
      if (!spec.hasLastWork || outcomes.includes('killed') || child.exitCode === 0) return
      onRestart(`${spec.name} had ended before its last work was done, started once more for that`)
      child = begin(spec, told => spec.onLine(...failureLine(told, SHOWN)))
      await Promise.race([saidReady(child), ended(child), sleep(READY_WITHIN_MS, undefined, { ref: false })])
      await stopChild(child, spec.graceMs)
    },
  }
}

/** `killed`: it took longer than it may. */
async function stopChild(child: ChildProcess, graceMs: number): Promise<'ended' | 'killed'> {
  if (hasEnded(child)) return 'ended'
  let outcome: 'ended' | 'killed' = 'ended'
  const end = ended(child)
  child.kill('SIGTERM')
  const timer = setTimeout(() => {
    outcome = 'killed'
    child.kill('SIGKILL')
  }, graceMs)
  await end
  clearTimeout(timer)
  return outcome
}

function saidReady(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.on('message', value => (value as ChildMessage).type === 'ready' && resolve())
  })
}

/** Levels of lines: one that is always shown, one for the file alone. */
const SHOWN = 50
const FILE_ONLY = 0

function start(spec: ChildSpec, onFailure: (failure: ChildFailure) => void): ChildProcess {
  const [program, ...args] = spec.command
  const sockets = spec.sockets ?? []
  const child = spawn(program!, args, {
    cwd: spec.cwd,
    env: { ...spec.env, ...listenEnvironment(sockets.map(({ name }) => name)), [SUPERVISED]: '1' },
    // Ctrl-C reaches the supervisor alone, which then ends its children in order.
    detached: true,
    // Sockets are expected from descriptor 3 on; Node tells the child where its channel is.
    stdio: ['ignore', 'pipe', 'pipe', ...sockets.map(({ fd }) => fd), 'ipc'],
    ...(spec.uid !== undefined && { uid: spec.uid, gid: spec.gid }),
  })
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', raw => spec.onLine(raw, parseLogLine(raw)))
  }
  child.on('error', error => spec.onLine(error.message, { level: 50, text: error.message, fields: '' }))
  child.on('message', value => {
    const message = value as ChildMessage // our own program at the other end
    if (message.type === 'failed') onFailure(message)
    else if (message.type === 'ready') spec.onMessage?.(message)
  })
  if (spec.config) child.send(spec.config, () => {})
  const go: GoMessage = { type: 'go' }
  // A failure of `after` is told where the child is waited for.
  for (const moment of [spec.after, spec.restAfter]) moment?.then(() => child.send(go, () => {})).catch(() => {})
  return child
}

async function untilReady(
  spec: ChildSpec,
  child: ChildProcess,
  failure: () => ChildFailure | undefined,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS
  while (!(await spec.isReady())) {
    if (hasEnded(child)) {
      await sleep(LAST_WORDS_MS)
      const told = failure()
      if (told) {
        spec.onLine(...failureLine(told, FILE_ONLY))
        throw failedAsTold(spec.name, told, child.exitCode)
      }
      throw new HubError('child_failed', {
        status: 500,
        message: `The ${spec.name} could not start (${await ended(child)}).`,
        detail: { child: spec.name, status: child.exitCode },
      })
    }
    if (Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new HubError('child_failed', {
        status: 500,
        message: `The ${spec.name} did not answer within ${READY_WITHIN_MS / 1000} s.`,
        detail: { child: spec.name },
      })
    }
    await sleep(LOOK_AGAIN_MS)
  }
}

/** The whole start fails for the reason of its part. */
function failedAsTold(name: string, { code, message, nextStep }: ChildFailure, exitCode: number | null): HubError {
  return new HubError(code ?? 'child_failed', {
    status: 500,
    message: code === undefined ? `The ${name} could not start: ${message}` : message,
    ...(nextStep !== undefined && { nextStep }),
    detail: { child: name, status: exitCode },
  })
}

function failureLine({ code, message, nextStep, stack }: ChildFailure, level: number): [string, LogLine] {
  const entry = { level: SHOWN, time: Date.now(), msg: message, code, nextStep, stack }
  return [JSON.stringify(entry), { level, text: message, fields: nextStep ?? '' }]
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

function ended(child: ChildProcess): Promise<string> {
  const describe = () => child.signalCode ?? `exit status ${child.exitCode ?? 'unknown'}`
  if (hasEnded(child)) return Promise.resolve(describe())
  return new Promise(resolve => child.once('exit', () => resolve(describe())))
}
