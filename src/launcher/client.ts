import { connect, type Socket } from 'node:net'
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

interface Waiting {
  done(response: LauncherResponse): void
  broken(error: unknown): void
}

export function launcherClient(options: { socketPath: string; timeoutMs?: number }): LauncherClient {
  const waiting = new Map<number, Waiting>()
  let connection: Socket | undefined
  let nextId = 1

  function open(): Socket {
    if (connection && !connection.destroyed) return connection
    const socket = connect(options.socketPath)
    connection = socket
    readLines(socket, MAX_RESPONSE_BYTES, line => {
      const response = JSON.parse(line) as LauncherResponse // the launcher is trusted by those it serves
      waiting.get(response.id)?.done(response)
    })
    let cause: unknown
    socket.once('error', error => {
      cause = error
    })
    socket.once('close', () => {
      if (connection === socket) connection = undefined
      for (const [id, entry] of [...waiting]) if (owners.get(id) === socket) entry.broken(cause)
    })
    // A hub that has nothing else to do may end while the connection is idle.
    socket.unref()
    return socket
  }

  const owners = new Map<number, Socket>()

  function ask(request: object, call: CallOptions): Promise<LauncherResponse> {
    call.signal?.throwIfAborted()
    const id = nextId++
    const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    return new Promise<LauncherResponse>((resolve, reject) => {
      const timer = setTimeout(() => finish(() => reject(timedOut(timeoutMs))), timeoutMs)
      const onAbort = () => finish(() => reject(call.signal?.reason))
      const finish = (then: () => void) => {
        clearTimeout(timer)
        call.signal?.removeEventListener('abort', onAbort)
        waiting.delete(id)
        owners.delete(id)
        then()
      }
      call.signal?.addEventListener('abort', onAbort, { once: true })
      waiting.set(id, {
        done: response => finish(() => resolve(response)),
        broken: cause => finish(() => reject(unreachable(options.socketPath, cause))),
      })
      const socket = open()
      owners.set(id, socket)
      socket.write(`${JSON.stringify({ v: PROTOCOL_VERSION, id, request })}\n`)
    })
  }

  return {
    async call<Op extends OperationName>(op: Op, asked: Asked<Op>, call: CallOptions = {}) {
      const response = await ask({ op, ...asked }, call)
      if (!response.ok) throw refusal(response.error)
      return response.result as Answers[Op] // the launcher answers each operation with its own shape
    },
    close() {
      connection?.destroy()
    },
  }
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
