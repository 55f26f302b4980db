/** One connection of a launcher: request lines in, answer lines out. */
import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { background, type Logger } from '../core/runtime.ts'
import { readLines } from './lines.ts'
import type { Operations } from './operations.ts'
import { type LauncherRequest, type LauncherResponse, MAX_REQUEST_BYTES, requestSchema } from './protocol.ts'
import { Refusal } from './refusal.ts'

/** Answers several at once, each as soon as it is done. Resolves when the stream is closed and all of them are done. */
export function serveRequests(socket: Duplex, operations: Operations, log: Logger): Promise<void> {
  const gone = new AbortController()
  const open = new Set<Promise<void>>()
  socket.on('error', error => log.debug({ err: error }, 'connection broke'))
  const answer = (response: LauncherResponse) => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(response)}\n`)
  }
  readLines(socket, MAX_REQUEST_BYTES, line => {
    const task = handle(line, operations, gone.signal, log).then(answer, error => {
      log.error({ err: error }, 'request failed')
      answer({ id: idOf(line), ok: false, error: { code: 'launcher_failed', message: 'The launcher failed.' } })
    })
    open.add(task)
    background(
      task.finally(() => open.delete(task)),
      'launcher request',
      log,
    )
  })
  return new Promise(done => {
    socket.once('close', () => {
      gone.abort()
      void Promise.allSettled(open).then(() => done())
    })
  })
}

async function handle(line: string, operations: Operations, gone: AbortSignal, log: Logger): Promise<LauncherResponse> {
  const parsed = requestSchema.safeParse(parseJson(line))
  if (!parsed.success) {
    // The paths and expectations, never the values: there may be a password among them.
    const faults = parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.code}`).join('; ')
    const error = { code: 'request_refused', message: `The launcher does not understand the request (${faults}).` }
    return { id: idOf(line), ok: false, error }
  }
  const { id, request } = parsed.data
  try {
    return { id, ok: true, result: await perform(request, operations, gone) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, message, nextStep, cause } = error
    if (cause !== undefined) log.error({ err: cause, op: request.op, code }, 'request refused')
    return { id, ok: false, error: { code, message, ...(nextStep === undefined ? {} : { nextStep }) } }
  }
}

function perform(request: LauncherRequest, operations: Operations, gone: AbortSignal): Promise<unknown> {
  const { op, ...asked } = request
  // The schema has paired `op` with its own fields; TypeScript cannot follow that through the table.
  return (operations[op] as (asked: object, gone: AbortSignal) => Promise<unknown>)(asked, gone)
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function idOf(line: string): number {
  const parsed = z.object({ id: z.int().min(0) }).safeParse(parseJson(line))
  return parsed.success ? parsed.data.id : 0
}
