/**
 * The channel between two processes that share one routing table. Messages arrive in order; nothing is lost while both
 * live. It lies on Node's channel between parent and child, where a supervisor may sit between and pass on.
 */
import type { ChildProcess } from 'node:child_process'
import type { CollectedMetrics } from '../proxy-metrics.ts'
import type { JournalRecord } from '../route-journal.ts'
import type { RouteRecord } from '../route-table.ts'

/** To the process that follows. */
export type LeaderMessage =
  /** The whole table, as the first thing. */
  | { readonly kind: 'table'; readonly version: number; readonly routes: readonly [string, RouteRecord][] }
  | { readonly kind: 'changes'; readonly version: number; readonly changes: readonly JournalRecord[] }
  | { readonly kind: 'tell-activity'; readonly question: number }

/** From the process that follows. */
export type FollowerMessage =
  | { readonly kind: 'applied'; readonly version: number }
  /** Path and Unix time in milliseconds of the routes used since it was told last. */
  | { readonly kind: 'activity'; readonly question?: number; readonly seen: readonly [string, number][] }

/** How a successor takes the place of its predecessor, in this order. */
export type SuccessionMessage =
  /** Successor: I am there, give me your table and its changes. */
  | { readonly kind: 'join' }
  /** Successor: I have it, and answer on the public socket beside you. */
  | { readonly kind: 'ready' }
  /** Predecessor: my API is closed, all is answered and told; yours now. */
  | { readonly kind: 'lead' }
  /** Successor: it is. From here on the roles are the other way round. */
  | { readonly kind: 'leading' }

/** Between a proxy and its workers, after `join`, the order to work, and `ready` for the table. */
export type WorkerMessage =
  | {
      readonly kind: 'listening'
      readonly url: string
      readonly port: number
      readonly redirectUrl: string | undefined
    }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined }
  | { readonly kind: 'reload-certificate' }
  | { readonly kind: 'tell-counts'; readonly question: number }
  | {
      readonly kind: 'counts'
      readonly question: number
      readonly connections: number
      readonly metrics: CollectedMetrics
    }
  | { readonly kind: 'retire' }
  | { readonly kind: 'close'; readonly graceMs: number }

export type LinkMessage = LeaderMessage | FollowerMessage | SuccessionMessage | WorkerMessage

export interface Link {
  /** To a process that is gone it does nothing. */
  send(message: LinkMessage): void
  /** Returns what takes the listener off again. */
  onMessage(listener: (message: LinkMessage) => void): () => void
  /** Aborts when the other side is gone. */
  readonly gone: AbortSignal
}

/** What is for a proxy and not for a supervisor, which passes it on. */
export interface PeerEnvelope {
  readonly type: 'peer'
  /** Process ids. */
  readonly from: number
  readonly to: number
  /** `gone`, from a supervisor: that process has ended. */
  readonly message: LinkMessage | { readonly kind: 'gone' }
}

/** By the channel to a child, or to the process that started this one; `peer` is behind that one, when it is a supervisor. */
export function linkTo(channel: ChildProcess | NodeJS.Process, peer: number): Link {
  const gone = new AbortController()
  channel.once('disconnect', () => gone.abort())
  // A process that waits for the table has nothing else yet that keeps it alive.
  if (channel === process) process.channel?.ref()
  const listeners = new Set<(message: LinkMessage) => void>()
  channel.on('message', value => {
    const envelope = value as PeerEnvelope // our own programs at both ends
    if (envelope?.type !== 'peer' || envelope.from !== peer) return
    if (envelope.message.kind === 'gone') gone.abort()
    else for (const listener of [...listeners]) listener(envelope.message)
  })
  return {
    send(message) {
      if (!channel.connected) return
      const envelope: PeerEnvelope = { type: 'peer', from: process.pid, to: peer, message }
      channel.send?.(envelope, undefined, {}, () => {}) // a failure is the end of the other side, which `gone` tells
    },
    onMessage(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    gone: gone.signal,
  }
}

/** The next message of a kind. Rejects with the reason of `signal`, or when the other side is gone. */
export function nextMessage<Kind extends LinkMessage['kind']>(
  link: Link,
  kind: Kind,
  signal?: AbortSignal,
): Promise<Extract<LinkMessage, { kind: Kind }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<LinkMessage, { kind: Kind }>>()
  const ended = AbortSignal.any([link.gone, ...(signal ? [signal] : [])])
  const abort = () => reject(new Error(`the other process ended before it said "${kind}"`, { cause: ended.reason }))
  const off = link.onMessage(message => {
    if (message.kind === kind) resolve(message as Extract<LinkMessage, { kind: Kind }>)
  })
  if (ended.aborted) abort()
  else ended.addEventListener('abort', abort, { once: true })
  return promise.finally(() => {
    off()
    ended.removeEventListener('abort', abort)
  })
}
