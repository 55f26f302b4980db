import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface SseEvent {
  /** Sent as one line of JSON. */
  data: unknown
  /** What a browser sends back as `Last-Event-ID` when it reconnects. */
  id?: string | number
  event?: string
}

/** JupyterHub writes an empty line every 8 seconds; a comment does the same to proxies and nothing to clients. */
export const SSE_KEEPALIVE_MS = 8000

/**
 * Answers with an event stream (WHATWG HTML, 9.2). `source` is given a signal that aborts when the client has gone; the
 * stream ends when the iterable does. A slow client slows the iterable down. An error thrown before the first event
 * becomes an ordinary error response; a later one ends the stream, which is all a stream can say.
 */
export async function sendEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<SseEvent>,
  options: { keepAliveMs?: number } = {},
): Promise<FastifyReply> {
  const gone = new AbortController()
  const { raw } = reply
  raw.once('close', () => gone.abort())
  request.server.eventStreams.add(gone)
  const iterator = source(gone.signal)[Symbol.asyncIterator]()
  try {
    const first = await firstWithin(iterator.next(), FIRST_EVENT_MS)
    openStream(reply)
    const keepAlive = setInterval(() => raw.write(': keep-alive\n\n'), options.keepAliveMs ?? SSE_KEEPALIVE_MS)
    keepAlive.unref()
    try {
      await pump(first.pending, iterator, raw, gone.signal)
    } finally {
      clearInterval(keepAlive)
    }
  } finally {
    request.server.eventStreams.delete(gone)
    gone.abort()
    await iterator.return?.()
    if (raw.headersSent) raw.end()
  }
  return reply
}

/** The `data:` field never holds a line break: JSON escapes it. */
export function formatEvent({ data, id, event }: SseEvent): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`
  return `${head}data: ${JSON.stringify(data)}\n\n`
}

/** Long enough for a refusal to show itself, short enough that a proxy sees headers soon. */
const FIRST_EVENT_MS = 1000

/** Waits a moment for the first event, so that an early error can still choose the status. */
async function firstWithin<T>(next: Promise<T>, ms: number): Promise<{ pending: Promise<T> }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([next, late]).finally(() => clearTimeout(timer))
  return { pending: next }
}

function openStream(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.writeHead(200, {
    ...headersOf(reply),
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    // Tells nginx in front not to hold events back.
    'x-accel-buffering': 'no',
  })
  reply.raw.flushHeaders()
}

function headersOf(reply: FastifyReply): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.map(String) : String(value)
  }
  return headers
}

async function pump(
  first: Promise<IteratorResult<SseEvent>>,
  iterator: AsyncIterator<SseEvent>,
  raw: FastifyReply['raw'],
  signal: AbortSignal,
): Promise<void> {
  for (let next = await first; !next.done && !signal.aborted; next = await iterator.next()) {
    if (raw.write(formatEvent(next.value))) continue
    await once(raw, 'drain', { signal }).catch(() => {}) // the client left while it was behind
  }
}
