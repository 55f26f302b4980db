import { type ChildProcess, spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Logger } from '../../core/runtime.ts'
import { readLines } from '../lines.ts'
import type { ServerExit } from '../protocol.ts'
import type { StartedUnit } from '../units/unit-runner.ts'

/** What a process is to become; read by `python/launcher/orrery_forker/become.py`. */
export interface ChildOrder {
  /** Files of a control group that it writes itself into, see groups/group.ts. */
  readonly group: readonly string[]
  /** Of each process: bytes of private memory and of a file; tasks of all the user's processes. See setrlimit(2). */
  readonly limits: { readonly data?: number; readonly file?: number; readonly tasks?: number }
  /** File for its output, which is there already. */
  readonly log: string
  readonly become: { readonly name: string; readonly uid: number; readonly gid: number } | null
  readonly umask: number
  readonly home: string
  /** Servers must be able to write into their home and work there; services do with any folder. */
  readonly needsHome: boolean
  /** Must be there; services work in it. Empty: none. */
  readonly directory: string
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export type ChildFault =
  | 'limits_not_set'
  | 'switch_failed'
  | 'home_missing'
  | 'home_not_readable'
  | 'home_not_writable'
  | 'directory_missing'
  | 'command_not_found'
  | 'command_not_executable'
  | 'interpreter_missing'
  | 'unit_not_started'
  | 'not_prepared'

/** What it says once it has become the user and looked around. */
export type ChildReport =
  /** `fresh`: why a preloading forker lets the program begin from nothing. */
  { ok: true; fresh?: string } | { ok: false; code: ChildFault; detail: string }

export interface ForkedProcess {
  readonly pid: number
  /** The unit whose main process it is, where systemd has forked it. */
  readonly unit?: StartedUnit
  /** Undefined when it died before it could say anything. */
  readonly report: Promise<ChildReport | undefined>
  /** How it ended; never rejects, and stays pending when the forker ends before it. */
  readonly ended: Promise<ServerExit>
  /** Lets it turn into its program. */
  go(): void
  /** Ends it in the place of that. */
  drop(): void
}

/** One running forker, see `python/launcher/orrery_forker/forker.py`. */
export interface Forker {
  readonly pid: number
  /** Its version. */
  readonly python: string
  /** Path of that Python. */
  readonly program: string
  /** Folders of the packages that it has imported, and when these had changed (nanoseconds). */
  readonly stamp: Readonly<Record<string, string>>
  /** Rejects with ForkerGone, or Error when the system has no process left. */
  fork(order: ChildOrder): Promise<ForkedProcess>
  /** Resolves when it has ended, for whatever reason. */
  readonly gone: Promise<void>
  /** Ends it when the last of its children has ended. */
  retire(): void
  /** Ends it. Servers go on. */
  close(): Promise<void>
}

export class ForkerGone extends Error {
  override readonly name = 'ForkerGone'
}

const VERSION = 1
const START = 1
const GO = 2
const DROP = 3
const HEADER_BYTES = 12
const MAX_LINE_BYTES = 64 * 1024

type Message =
  | Hello
  | { id: number; pid: number }
  | { id: number; failed: string }
  | { id: number; report: ChildReport | null }
  | ({ ended: number } & ServerExit)

interface Hello {
  readonly ready: number
  readonly python: string
  readonly stamp?: Readonly<Record<string, string>>
}

interface Start {
  readonly forked: PromiseWithResolvers<ForkedProcess>
  readonly report: PromiseWithResolvers<ChildReport | undefined>
}

/** Resolves when it is ready to fork; rejects when it is not after `timeoutMs`, with its last words. */
export async function openForker(
  command: readonly [string, ...string[]],
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly log: Logger
    readonly timeoutMs: number
    /** Ends what is not ready yet. */
    readonly signal?: AbortSignal
  },
): Promise<Forker> {
  const { env, log, timeoutMs, signal } = options
  const [program, ...args] = command
  // A session of its own: no signal meant for the launcher reaches it. It ends with its end of the socket.
  const child = spawn(program, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const control = child.stdio[3] as unknown as Socket // 'pipe' is a pair of Unix sockets
  const lastWords = watchOutput(child, log)
  const connection = forkerOver(control, () => child.exitCode !== null || child.signalCode !== null)
  child.once('error', connection.lose)
  child.once('close', () => connection.lose(new ForkerGone(lastWords() || 'The process that forks servers has ended.')))
  const timer = setTimeout(() => {
    connection.lose(new Error(lastWords() || `It said nothing within ${timeoutMs / 1000} seconds.`))
    child.kill('SIGKILL')
  }, timeoutMs)
  const giveUp = () => void child.kill('SIGKILL')
  signal?.addEventListener('abort', giveUp)
  const forker = await connection.ready({ pid: child.pid ?? 0, program }).finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  })
  // Nobody waits for it at the end of the launcher; what keeps that alive is its own socket.
  child.unref()
  control.unref()
  return forker
}

/** One that nobody here has started, by its socket. Rejects when it does not get ready within `timeoutMs`. */
export async function reachForker(
  socketPath: string,
  which: { readonly pid: number; readonly program: string },
  timeoutMs: number,
): Promise<Forker> {
  const control = connect(socketPath)
  let fault: unknown
  control.once('error', error => {
    fault = error // 'close' follows
  })
  const connection = forkerOver(control, () => control.destroyed)
  control.once('close', () => connection.lose(fault ?? new ForkerGone('It has ended.')))
  const timer = setTimeout(() => control.destroy(new Error('It takes too long to get ready.')), timeoutMs)
  return await connection.ready(which).finally(() => clearTimeout(timer))
}

interface ForkerConnection {
  /** Resolves when it says that it can fork. */
  ready(which: { readonly pid: number; readonly program: string }): Promise<Forker>
  /** Whoever waits for it learns this. */
  lose(error: unknown): void
}

function forkerOver(control: Socket, isOver: () => boolean): ForkerConnection {
  const ready = Promise.withResolvers<Hello>()
  const gone = Promise.withResolvers<void>()
  const starts = new Map<number, Start>()
  const ends = new Map<number, (exit: ServerExit) => void>()
  let nextId = 1
  let retired = false
  control.on('error', () => {}) // its end follows
  readLines(control, MAX_LINE_BYTES, line => take(JSON.parse(line) as Message)) // written by forker.py alone
  ready.promise.catch(() => {}) // it may be lost before anybody waits

  function lose(error: unknown): void {
    ready.reject(error)
    for (const { forked, report } of starts.values()) {
      forked.reject(error)
      report.resolve(undefined)
    }
    starts.clear()
    gone.resolve()
  }

  function take(message: Message): void {
    if ('ready' in message) {
      if (message.ready === VERSION) ready.resolve(message)
      else ready.reject(new Error(`The forker speaks version ${message.ready}, not ${VERSION}.`))
    } else if ('ended' in message) {
      const { ended, ...exit } = message
      ends.get(ended)?.(exit)
      ends.delete(ended)
      if (retired && ends.size === 0) control.end()
    } else if ('pid' in message) {
      starts.get(message.id)?.forked.resolve(forkedProcess(message.id, message.pid))
    } else if ('failed' in message) {
      starts.get(message.id)?.forked.reject(new Error(message.failed))
      starts.delete(message.id)
    } else {
      starts.get(message.id)?.report.resolve(message.report ?? undefined)
      starts.delete(message.id)
    }
  }

  function forkedProcess(id: number, pid: number): ForkedProcess {
    const { report } = starts.get(id)! // asked for by fork()
    const ended = new Promise<ServerExit>(done => ends.set(pid, done))
    return { pid, report: report.promise, ended, go: () => send(GO, id), drop: () => send(DROP, id) }
  }

  function send(kind: number, id: number, body = Buffer.alloc(0)): void {
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt8(kind, 0)
    header.writeUInt32BE(id, 4)
    header.writeUInt32BE(body.length, 8)
    if (!control.destroyed) control.write(Buffer.concat([header, body]))
  }

  return {
    lose,
    async ready(which) {
      const { python, stamp = {} } = await ready.promise
      return {
        ...which,
        python,
        stamp,
        gone: gone.promise,
        fork(order) {
          if (isOver()) return Promise.reject(new ForkerGone())
          const id = nextId++
          const start = { forked: Promise.withResolvers<ForkedProcess>(), report: Promise.withResolvers<ChildReport>() }
          starts.set(id, start as Start)
          send(START, id, Buffer.from(JSON.stringify(order)))
          return start.forked.promise
        },
        retire() {
          retired = true
          if (ends.size === 0) control.end()
        },
        close() {
          control.end()
          return gone.promise
        },
      }
    },
  }
}

/** What it prints is for the log; its last line may tell why it ended. */
function watchOutput(child: ChildProcess, log: Logger): () => string {
  let last = ''
  for (const stream of [child.stdout, child.stderr] as (Readable & Socket)[]) {
    stream.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString('utf8').split('\n')) {
        if (line.trim() === '') continue
        last = line.trim()
        log.debug({ line: last, pid: child.pid }, 'forker printed')
      }
    })
    stream.unref()
  }
  return () => last
}
