/**
 * Joins a client and an upstream after an upgrade: bytes go both ways untouched, with back-pressure, and never run out
 * of time while both sides are open, however quiet they are. When one side has said its last word (half-close), the
 * other may go on, but not for ever in silence.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { readDirectly, readOn } from './http1/direct-reads.ts'
import type { RawReader, UpstreamConnection } from './http1/upstream-connection.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { Traffic } from './traffic.ts'

export interface TunnelOptions {
  /** Milliseconds; 0 is never. */
  readonly halfClosedIdleMs: number
  readonly sweeper: Sweeper
  /** Counts what goes to the client. */
  readonly traffic: Traffic
  readonly onClientData: (chunk: Buffer) => void
  /** Holds the tunnel while it is open. */
  readonly tunnels: Set<{ destroy(): unknown }>
}

/** Up to here bytes become a string, which Node writes without keeping anything; above, a copy. */
const MAX_TEXT = 16 * 1024

export class Tunnel implements RawReader, Swept {
  readonly #client: Duplex
  readonly #upstream: UpstreamConnection
  readonly #options: TunnelOptions
  #deadline = 0 // 0 while both sides are open
  #waits = false // the upstream for the client

  constructor(client: Duplex, upstream: UpstreamConnection, options: TunnelOptions) {
    this.#client = client
    this.#upstream = upstream
    this.#options = options
    options.tunnels.add(this)
    if (client instanceof Socket) readDirectly(client, chunk => this.#fromClient(chunk))
    else {
      client.on('data', chunk => {
        if (!this.#fromClient(chunk)) client.pause()
      })
    }
    client.on('drain', () => {
      if (!this.#waits) return
      this.#waits = false
      upstream.resume()
    })
    client.on('end', () => {
      upstream.socket.end()
      this.#halfClosed()
    })
    client.on('error', () => client.destroy())
    client.on('close', () => {
      this.#forget()
      upstream.socket.destroySoon()
    })
  }

  read(bytes: Buffer, from: number, to: number): boolean {
    if (this.#deadline > 0) this.#halfClosed()
    this.#options.traffic.sent += to - from
    const client = this.#client
    const more =
      to - from <= MAX_TEXT
        ? client.write(bytes.toString('latin1', from, to), 'latin1')
        : client.write(Buffer.from(bytes.subarray(from, to)))
    if (!more && client.writableLength > 0) {
      this.#waits = true
      return false
    }
    return true
  }

  drained(): void {
    const client = this.#client
    if (client instanceof Socket) readOn(client)
    else client.resume()
  }

  ended(): void {
    this.#client.end()
    this.#halfClosed()
  }

  closed(): void {
    this.#forget()
    const client = this.#client as Duplex & { destroySoon?(): void } // sockets have it
    if (client.destroySoon) client.destroySoon()
    else client.end(() => client.destroy())
  }

  destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
    this.#forget()
  }

  sweep(now: number): void {
    if (now >= this.#deadline) this.destroy()
  }

  /** False: the upstream takes no more for now. */
  #fromClient(chunk: Buffer): boolean {
    if (this.#deadline > 0) this.#halfClosed()
    this.#options.onClientData(chunk)
    const { socket } = this.#upstream
    return socket.write(chunk) || socket.writableLength === 0
  }

  #halfClosed(): void {
    const { halfClosedIdleMs, sweeper } = this.#options
    if (halfClosedIdleMs === 0 || this.#client.destroyed) return
    if (this.#deadline === 0) sweeper.add(this)
    this.#deadline = performance.now() + halfClosedIdleMs
  }

  #forget(): void {
    this.#options.sweeper.delete(this)
    this.#options.tunnels.delete(this)
  }
}
