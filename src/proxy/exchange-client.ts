/**
 * The seam between a protocol that browsers speak and the forwarding of one request. A connection of HTTP/1.1
 * (`http1/client-connection.ts`) or a stream of HTTP/2 parses what arrives, makes an `Exchange` of each request, tells
 * it what the client does, and carries out what the exchange asks through this interface. Both sides call each other
 * directly, in the same turn; nothing here is a promise or an event.
 *
 * The course of an exchange, seen from the protocol:
 *
 *     const exchange = new Exchange(context, client, head)    // `head` from `parseRequestHead`
 *     exchange.begin()
 *     exchange.requestBody(bytes, from, to)                   // any number of times; then, at the end of each read:
 *     if (!exchange.flushRequest()) ...stop reading...        // until `client.resumeRequest()`
 *     exchange.requestEnd(trailers)                           // unless `head.body` is 'none'
 *     exchange.clientDrained()                                // after `client.flush()` was false
 *     exchange.clientGone()                                   // broken off before `sendEnd` and `requestEnd`
 *
 * and the other way `sendInformation*`, `sendHead`, `sendBody*`, `sendEnd`, or instead `upgrade`, or at any time `abort`.
 * A protocol whose heads are not text (HTTP/2) writes them as the text of HTTP/1.1 and has that parsed, so that all
 * requests meet the same checks; it must refuse CR, LF and NUL in names and values itself.
 */
import type { Duplex } from 'node:stream'
import type { ResponseHead } from './http1/response-head.ts'
import type { RouteMemo } from './match-route.ts'

export interface ExchangeClient {
  /** As the socket has it. */
  readonly remoteAddress: string | undefined
  readonly encrypted: boolean
  /**
   * Bodies come and go as content alone; else a chunked body keeps the framing that it has in HTTP/1.1, both ways,
   * but for the last chunk and the trailers.
   */
  readonly bare: boolean
  /** Shared by the exchanges of a connection: what was found out for the request before. */
  readonly memo: RouteMemo

  /** An interim response, 100 to 199 without 101. */
  sendInformation(status: number, reason: string, lines: string): void
  /** @param last the connection ends after this response, if the protocol has such a thing */
  sendHead(head: ResponseHead, last: boolean): void
  /** @param lasting false: the bytes are overwritten after `flush` has answered true, or after `clientDrained` */
  sendBody(bytes: Buffer, from: number, to: number, lasting: boolean): void
  /** The response is complete. @param trailers field lines, each with its CR LF */
  sendEnd(trailers: string): void
  /** Called after each turn of the above. False: no more until `Exchange.clientDrained`. */
  flush(): boolean
  /** The upstream has switched protocols: the client is told, and its bytes belong to the caller from now on. */
  upgrade(head: ResponseHead): Upgraded
  /** Breaks off, so that the client cannot take what it has for the whole. `requestEnd` and so on are not called then. */
  abort(): void
  /** The upstream takes more of the body again. */
  resumeRequest(): void
}

export interface Upgraded {
  readonly stream: Duplex
  /** What the client has sent already. */
  readonly early: Buffer
}
