/**
 * Reads of an accepted socket, without the queue of its stream. A socket of Node hands each chunk to its own `push`,
 * which is where the queue begins: overridden, it saves an event and a turn of the tick queue for each read, a tenth of
 * the cost of a WebSocket message. Ends and errors take their usual way.
 */
import type { Socket } from 'node:net'

/**
 * From now on `take` gets every chunk, whether the socket is paused or not; once it has answered false, only after
 * `readOn` (and what a TLS socket has decrypted already).
 */
export function readDirectly(socket: Socket, take: (chunk: Buffer) => boolean): void {
  const queue = inheritedPush(socket)
  socket.push = chunk => (chunk === null ? queue.call(socket, null) : take(chunk as Buffer)) // no encoding is set
  const early = socket.read() as Buffer | null // likewise
  if (early) take(early)
}

export function stopReadingDirectly(socket: Socket): void {
  socket.push = inheritedPush(socket)
}

function inheritedPush(socket: Socket): Socket['push'] {
  return Object.getPrototypeOf(socket).push
}

export function readOn(socket: Socket): void {
  if (!socket.destroyed) socket._read(0)
}

const WORTH_FREEING_BYTES = 16 * 1024

/**
 * Gives the memory of a chunk back now, instead of when it is collected: an upload then goes through the same few pages
 * again and again. Only for a chunk that nobody reads any more.
 */
export function freeChunk(chunk: Buffer): void {
  const { buffer } = chunk
  // A buffer of its own, not a part of Node's pool.
  if (chunk.length >= WORTH_FREEING_BYTES && chunk.length === buffer.byteLength) (buffer as ArrayBuffer).transfer(0)
}
