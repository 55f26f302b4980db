/** Whether WebSockets get through what stands in front, and how long one may be silent. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { failure, type Outcome, ok, warning } from '../check.ts'
import type { FrontClient } from './front-client.ts'
import type { Reached } from './reach.ts'
import { type Front, nameOf, remedyFor } from './remedies.ts'

const OPEN_WITHIN_MS = 10_000
const MESSAGE = 'are you there?'

export async function webSocketOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'websocket'>> {
  try {
    const socket = await open(client)
    await echoed(socket)
    socket.close()
    return ok('websocket', 'WebSockets come through.')
  } catch (error) {
    const why = (error as Error).message
    return failure(
      'websocket',
      `WebSockets do not come through (${why}): kernels stay "Connecting".`,
      remedyFor('websocket', front),
      { why },
    )
  }
}

/** `seconds` of silence, which a laptop or a long cell can be. */
export async function idleOutcome(
  { client }: Reached,
  front: Front | undefined,
  seconds: number,
  signal: AbortSignal,
): Promise<Outcome<'idle'>> {
  const began = performance.now()
  const socket = await open(client)
  const cut = once(socket, 'close')
  const wait = sleep(seconds * 1000, 'silent', { signal })
  const ended = await Promise.race([cut, wait])
  if (ended === 'silent') {
    await echoed(socket)
    socket.close()
    return ok('idle', `A WebSocket that is silent for ${seconds} seconds stays open.`)
  }
  const after = Math.round((performance.now() - began) / 1000)
  return warning(
    'idle',
    `${nameOf(front)} cuts a WebSocket that is silent after ${after} seconds.`,
    remedyFor('idle', front),
    { seconds: after },
  )
}

async function open({ url, headers, tls }: FrontClient): Promise<WebSocket> {
  const { WebSocket } = await import('ws')
  const address = `${url.href.replace(/^http/, 'ws')}hub/probe/websocket`
  const socket = new WebSocket(address, {
    headers: { ...headers, origin: url.origin },
    handshakeTimeout: OPEN_WITHIN_MS,
    ...tls,
  })
  await once(socket, 'open')
  socket.on('error', () => {}) // 'close' follows
  return socket
}

async function echoed(socket: WebSocket): Promise<void> {
  socket.send(MESSAGE)
  const [data] = await once(socket, 'message', { signal: AbortSignal.timeout(OPEN_WITHIN_MS) })
  if (String(data) !== MESSAGE) throw new Error('messages are changed on their way')
}
