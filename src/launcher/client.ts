import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { readLines } from './lines.ts'
import {
  type Answers,
  type Asked,
  type LauncherResponse,
  MAX_RESPONSE_BYTES,
  type OperationName,
  PROTOCOL_VERSION,
  responseSchema,
} from './protocol.ts'

export interface CallOptions {
  /** Gives up waiting; what the launcher has begun it finishes. */
  signal?: AbortSignal | undefined
  timeoutMs?: number | undefined
}

/**
 * The hub's side of the launcher's socket. Refusals arrive as HubError with the launcher's code; a launcher that
 * cannot be reached is `launcher_unreachable`, one of another version `launcher_version`.
 */
export interface LauncherClient {
  call<Op extends OperationName>(op: Op, asked: Asked<Op>, options?: CallOptions): Promise<Answers[Op]>
  /** Closes the connection; the next call opens another. */
  close(): void
}

const DEFAULT_TIMEOUT_MS = 30_000
/** A launcher that was killed is started again within a second. */
const DIAL_FOR_MS = 2_500
const DIAL_EVERY_MS = 100

interface Waiting {
  readonly stream: Duplex
  done(response: LauncherResponse): void
  broken(why: unknown): void
}

/** How a launcher is reached: the socket of one that runs, or a process that is started for it. */
export interface LauncherConnection {
  connect(): Promise<Duplex>
  /** What is told when it cannot be, or breaks. */
  unreachable(cause: unknown): HubError
}

/** The connection ended before the answer came. */
class BrokenConnection extends Error {}

export function launcherClient(options: {
  socketPath: string
  timeoutMs?: number
  /** How long to wait for a launcher that is not there. */
  dialForMs?: number
}): LauncherClient {
  const { socketPath, dialForMs = DIAL_FOR_MS, timeoutMs } = options
  const connection = {
    async connect() {
      const socket = await dial(socketPath, dialForMs)
      // A hub that has nothing else to do may end while the connection is idle.
      return socket.unref()
    },
    unreachable: (cause: unknown) => unreachable(socketPath, cause),
  }
  return clientOver(connection, timeoutMs)
}

/**
 * Opens the connection with the first call, and another when it has broken. A HubError with which the stream is destroyed
 * is what its calls fail with.
 */
export function clientOver(
  { connect, unreachable }: LauncherConnection,
  usualTimeoutMs = DEFAULT_TIMEOUT_MS,
): LauncherClient {
  const waiting = new Map<number, Waiting>()
  /** What the launcher at the other end has said of itself; another one comes by another connection. */
  const greetings = new WeakMap<Duplex, LauncherResponse>()
  let connection: Promise<Duplex> | undefined
  let nextId = 1

  function connected(): Promise<Duplex> {
    if (connection) return connection
    const dialled = connect()
    const forget = () => {
      if (connection === dialled) connection = undefined
    }
    dialled.then(stream => {
      let why: unknown
      stream.on('error', error => {
        why = error // 'close' follows
      })
      stream.once('close', () => {
        forget()
        for (const entry of [...waiting.values()]) if (entry.stream === stream) entry.broken(why)
      })
      readLines(stream, MAX_RESPONSE_BYTES, line => {
        const response = parseResponse(line)
        if (response) waiting.get(response.id)?.done(response)
        else stream.destroy()
      })
    }, forget)
    connection = dialled
    return dialled
  }

  async function ask(request: { readonly op: OperationName }, signal: AbortSignal): Promise<LauncherResponse> {
    const stream = await orAbort(connected(), signal)
    const isGreeting = request.op === 'hello'
    const known = isGreeting && !stream.destroyed ? greetings.get(stream) : undefined
    if (known) return known
    const id = nextId++
    const answer = new Promise<LauncherResponse>((resolve, reject) => {
      const broken = (why: unknown) => reject(why instanceof HubError ? why : new BrokenConnection())
      waiting.set(id, { stream, done: resolve, broken })
      if (stream.destroyed) broken(stream.errored)
      else stream.write(`${JSON.stringify({ v: PROTOCOL_VERSION, id, request })}\n`)
    })
    const response = await orAbort(answer, signal).finally(() => waiting.delete(id))
    if (isGreeting && response.ok) greetings.set(stream, response)
    return response
  }

  return {
    async call<Op extends OperationName>(op: Op, asked: Asked<Op>, call: CallOptions = {}) {
      call.signal?.throwIfAborted()
      const timeoutMs = call.timeoutMs ?? usualTimeoutMs
      const timeout = new AbortController()
      const timer = setTimeout(() => timeout.abort(timedOut(timeoutMs)), timeoutMs)
      const signal = call.signal ? AbortSignal.any([call.signal, timeout.signal]) : timeout.signal
      try {
        const once = () => ask({ op, ...asked }, signal)
        // A launcher that died meanwhile has a successor. A start may have been done already, so it is not repeated.
        const response = await once().catch(error => {
          if (!(error instanceof BrokenConnection) || op === 'start' || op === 'startService') throw error
          return once()
        })
        if (!response.ok) throw refusal(response.error)
        return response.result as Answers[Op] // the launcher answers each operation with its own shape
      } catch (error) {
        if (error instanceof BrokenConnection || isSystemError(error)) throw unreachable(error)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      connection?.then(
        stream => stream.destroy(),
        () => {},
      )
      connection = undefined
    },
  }
}

async function dial(path: string, forMs: number): Promise<Socket> {
  for (const until = Date.now() + forMs; ; ) {
    try {
      return await dialOnce(path)
    } catch (error) {
      if (Date.now() >= until) throw error
      await sleep(DIAL_EVERY_MS)
    }
  }
}

function dialOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Undefined for what no launcher says; one that runs as a user may be the user's own doing. */
function parseResponse(line: string): LauncherResponse | undefined {
  try {
    const parsed = responseSchema.safeParse(JSON.parse(line))
    return parsed.success ? (parsed.data as LauncherResponse) : undefined // the shape of the result is the operation's
  } catch {
    return undefined
  }
}

function orAbort<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function refusal(error: { code: string; message: string; nextStep?: string }): HubError {
  const { code, message, nextStep } = error
  return new HubError(code, { status: 500, message, ...(nextStep === undefined ? {} : { nextStep }) })
}

function unreachable(socketPath: string, cause: unknown): HubError {
  return new HubError('launcher_unreachable', {
    status: 503,
    message: 'The launcher, which starts servers and checks passwords on this machine, cannot be reached.',
    nextStep: 'It is started anew within a second; if this stays, an administrator can look into its log.',
    detail: { socketPath },
    cause,
  })
}

function timedOut(timeoutMs: number): HubError {
  return new HubError('launcher_timeout', {
    status: 504,
    message: `The launcher did not answer within ${timeoutMs / 1000} seconds.`,
    nextStep: 'The machine may be overloaded; try again, or ask an administrator.',
  })
}
