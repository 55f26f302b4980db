/**
 * Writes to a socket with as few calls as possible: what is small is gathered as text and leaves at `flush`, so that a
 * head, the framing and a short body are one packet; what is large goes on as the buffer it is.
 */
import type { Socket } from 'node:net'

/** Up to here Node tries to write a string at once, from its own stack, without a copy that outlives the call. */
const MAX_TEXT = 16 * 1024
/** Copying this much costs less than waiting until the socket has let go of it. */
const MAX_COPY = 64 * 1024

export class SocketWriter {
  readonly socket: Socket
  #text = ''
  /** A buffer that someone else will write into again was handed to the socket. */
  #borrowed = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Latin-1. */
  text(text: string): void {
    this.#text = this.#text === '' ? text : this.#text + text
  }

  /** @param lasting whether nobody writes into `bytes` any more; if not, `flush` says whether they are still in use */
  bytes(bytes: Buffer, from: number, to: number, lasting: boolean): void {
    const length = to - from
    if (this.#text.length + length <= MAX_TEXT) {
      this.text(bytes.toString('latin1', from, to))
      return
    }
    this.#writeText()
    const piece = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
    if (lasting) this.socket.write(piece)
    else if (length < MAX_COPY) this.socket.write(Buffer.from(piece))
    else {
      this.#borrowed = true
      this.socket.write(piece)
    }
  }

  /** False: no more until the socket's `drain`, and bytes that are not lasting must stay as they are until then. */
  flush(): boolean {
    this.#writeText()
    const { socket } = this
    if (this.#borrowed) {
      this.#borrowed = false
      return socket.writableLength === 0
    }
    return socket.writableLength < socket.writableHighWaterMark
  }

  #writeText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.socket.write(text, 'latin1')
  }
}
