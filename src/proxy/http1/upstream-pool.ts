/**
 * Connections to upstreams, kept and used again. An idle one is closed after four seconds, before the usual servers
 * (uvicorn and Node: five) would close it under a request that is just being sent.
 */
import { connect, isIP } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Sweeper } from '../sweeper.ts'
import type { UpstreamTls } from '../upstream-connections.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { UpstreamConnection } from './upstream-connection.ts'

export interface UpstreamPool {
  /** A kept connection, else a new one. */
  acquire(target: UpstreamTarget): UpstreamConnection
  /** One that nobody has used before; it may still be connecting. */
  open(target: UpstreamTarget): UpstreamConnection
  /** Takes a connection back: after a complete exchange. */
  release(connection: UpstreamConnection): void
  /** For connections that are opened from now on. */
  renewTls(tls: SecureContextOptions): void
  /** Ends idle connections; those in use belong to their exchanges. */
  close(): void
}

const IDLE_MS = 4000
const KEEP_ALIVE_PROBE_MS = 30_000

/** Connections to one address, whichever routes lead there. */
interface Origin {
  readonly key: string
  /** The one used last is at the end, and the first to be used again. */
  readonly idle: UpstreamConnection[]
  /** In `origins`; one without connections is taken out, since servers come and go with a port of their own each. */
  listed: boolean
}

export function createUpstreamPool(options: {
  insecure: boolean
  tls?: UpstreamTls | undefined
  sweeper: Sweeper
}): UpstreamPool {
  const origins = new Map<string, Origin>()
  const originByTarget = new WeakMap<UpstreamTarget, Origin>()
  const originOf = new WeakMap<UpstreamConnection, Origin>()
  let secureContext: SecureContext | undefined
  let closed = false

  const findOrigin = (target: UpstreamTarget): Origin => {
    const known = originByTarget.get(target)
    if (known?.listed) return known
    const key = target.socketPath ?? `${target.secure ? 'https' : 'http'}://${target.hostname}:${target.port}`
    const origin = origins.get(key) ?? { key, idle: [], listed: true }
    origin.listed = true
    origins.set(key, origin)
    originByTarget.set(target, origin)
    return origin
  }
  const forget = (connection: UpstreamConnection) => {
    const idle = originOf.get(connection)?.idle
    const at = idle?.indexOf(connection) ?? -1
    if (at !== -1) idle!.splice(at, 1)
  }
  const idleConnections = {
    sweep(now: number) {
      for (const origin of origins.values()) {
        const { idle } = origin
        let stale = 0
        while (stale < idle.length && now - idle[stale]!.idleSince >= IDLE_MS) stale++
        for (const connection of idle.splice(0, stale)) connection.destroy()
        if (idle.length > 0) continue
        origin.listed = false
        origins.delete(origin.key)
      }
      if (origins.size === 0) options.sweeper.delete(idleConnections)
    },
  }

  const open = (target: UpstreamTarget): UpstreamConnection => {
    const connection = new UpstreamConnection(forget)
    originOf.set(connection, findOrigin(target))
    const common = {
      noDelay: true,
      keepAlive: true, // a vanished server is noticed although nobody writes
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
      allowHalfOpen: true,
      ...(target.socketPath === undefined ? { host: target.hostname, port: target.port } : { path: target.socketPath }),
    }
    if (!target.secure) {
      const { readBuffer: buffer, onRead: callback } = connection
      connection.attach(connect({ ...common, onread: { buffer, callback } }))
      return connection
    }
    secureContext ??= createSecureContext(options.tls)
    const servername = isIP(target.hostname) ? '' : target.hostname
    connection.attach(connectTls({ ...common, secureContext, servername, rejectUnauthorized: !options.insecure }))
    connection.readByEvents()
    return connection
  }

  return {
    open,
    acquire(target) {
      const { idle } = findOrigin(target)
      for (;;) {
        const connection = idle.pop()
        if (!connection) return open(target)
        if (connection.isUsable) return connection
        connection.destroy()
      }
    },
    release(connection) {
      if (closed) return connection.destroy()
      if (!connection.release()) return
      connection.idleSince = performance.now()
      const origin = originOf.get(connection)!
      if (!origin.listed) {
        // Another list for the same address may have taken its place.
        const listed = origins.get(origin.key)
        if (listed) originOf.set(connection, listed)
        else {
          origin.listed = true
          origins.set(origin.key, origin)
        }
      }
      originOf.get(connection)!.idle.push(connection)
      options.sweeper.add(idleConnections)
    },
    renewTls(tls) {
      secureContext = createSecureContext(tls)
    },
    close() {
      closed = true
      options.sweeper.delete(idleConnections)
      for (const origin of origins.values()) for (const connection of origin.idle.splice(0)) connection.destroy()
    },
  }
}
