import { connect, type Socket } from 'node:net'
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
  readonly socket: Socket
  done(response: LauncherResponse): void
  broken(): void
}

/** The connection ended before the answer came. */
class BrokenConnection extends Error {}

export function launcherClient(options: {
  socketPath: string
  timeoutMs?: number
  /** How long to wait for a launcher that is not there. */
  dialForMs?: number
}): LauncherClient {
  const waiting = new Map<number, Waiting>()
  /** What the launcher at the other end has said of itself; another one comes by another connection. */
  const greetings = new WeakMap<Socket, LauncherResponse>()
  let connection: Promise<Socket> | undefined
  let nextId = 1

  function connected(): Promise<Socket> {
    if (connection) return connection
    const dialled = dial(options.socketPath, options.dialForMs ?? DIAL_FOR_MS)
    const forget = () => {
      if (connection === dialled) connection = undefined
    }
    dialled.then(socket => {
      socket.on('error', () => {}) // 'close' follows
      socket.once('close', () => {
        forget()
        for (const entry of [...waiting.values()]) if (entry.socket === socket) entry.broken()
      })
      readLines(socket, MAX_RESPONSE_BYTES, line => {
        const response = JSON.parse(line) as LauncherResponse // the launcher is trusted by those it serves
        waiting.get(response.id)?.done(response)
      })
      // A hub that has nothing else to do may end while the connection is idle.
      socket.unref()
    }, forget)
    connection = dialled
    return dialled
  }

  async function ask(request: { readonly op: OperationName }, signal: AbortSignal): Promise<LauncherResponse> {
    const socket = await orAbort(connected(), signal)
    const isGreeting = request.op === 'hello'
    const known = isGreeting && !socket.destroyed ? greetings.get(socket) : undefined
    if (known) return known
    const id = nextId++
    const answer = new Promise<LauncherResponse>((resolve, reject) => {
      waiting.set(id, { socket, done: resolve, broken: () => reject(new BrokenConnection()) })
      if (socket.destroyed) reject(new BrokenConnection())
      else socket.write(`${JSON.stringify({ v: PROTOCOL_VERSION, id, request })}\n`)
    })
    const response = await orAbort(answer, signal).finally(() => waiting.delete(id))
    if (isGreeting && response.ok) greetings.set(socket, response)
    return response
  }

  return {
    async call<Op extends OperationName>(op: Op, asked: Asked<Op>, call: CallOptions = {}) {
      call.signal?.throwIfAborted()
      const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
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
        if (error instanceof BrokenConnection || isSystemError(error)) throw unreachable(options.socketPath, error)
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      connection?.then(
        socket => socket.destroy(),
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
