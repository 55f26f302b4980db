/** Opens a server's address, with errors that say which address and what to do. */
import { rm } from 'node:fs/promises'
import net, { type AddressInfo, type Server } from 'node:net'
import { HubError } from '../core/errors.ts'

export type ListenAddress =
  | { readonly host?: string | undefined; readonly port: number }
  | { readonly socketPath: string }
  /** A socket that is bound already and was inherited from the process that started this one. */
  | { readonly fd: number }

export interface BoundAddress {
  /** `http://127.0.0.1:8000`, `https://[::1]:8443` or `http+unix://%2Frun%2Fproxy.sock`; never ends with a slash. */
  readonly url: string
  /** 0 for a Unix socket. */
  readonly port: number
  /** Of the listening socket, to hand it on; undefined for a Unix socket of our own, whose path ends with its server. */
  readonly fd: number | undefined
}

/**
 * Throws HubError `port_taken` (another program listens there) or `address_unusable` (not ours to take). A Unix socket
 * that a killed process left behind is removed first.
 */
export async function listen(server: Server, address: ListenAddress, scheme: 'http' | 'https'): Promise<BoundAddress> {
  if ('socketPath' in address) await removeStaleSocket(address.socketPath)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.once('listening', resolve)
  // An empty host is every interface, as configurable-http-proxy has it.
  if ('socketPath' in address) server.listen({ path: address.socketPath })
  else if ('fd' in address) server.listen({ fd: address.fd })
  else server.listen({ port: address.port, host: address.host || undefined })
  try {
    await promise
  } catch (error) {
    throw explainListenFault(error as NodeJS.ErrnoException, address) // listen emits system errors
  } finally {
    server.off('error', reject)
  }
  const bound = server.address() as AddressInfo | string // a server that listens has one
  if (typeof bound === 'string' || 'socketPath' in address) {
    const path = 'socketPath' in address ? address.socketPath : String(bound)
    return { url: `http+unix://${encodeURIComponent(path)}`, port: 0, fd: 'fd' in address ? address.fd : undefined }
  }
  return {
    url: `${scheme}://${reachableHost(bound.address)}:${bound.port}`,
    port: bound.port,
    fd: descriptorOf(server),
  }
}

/** Node has no public way to a server's descriptor; the handle is what its own cluster module uses. */
function descriptorOf(server: Server): number | undefined {
  return (server as unknown as { _handle?: { fd?: number } })._handle?.fd
}

/** An address that a client on this machine can connect to. */
function reachableHost(bound: string): string {
  if (bound === '::' || bound === '0.0.0.0') return '127.0.0.1'
  return bound.includes(':') ? `[${bound}]` : bound
}

function describe(address: ListenAddress): string {
  if ('fd' in address) return `the inherited socket ${address.fd}`
  return 'socketPath' in address ? address.socketPath : `${address.host || '*'}:${address.port}`
}

/** HubError `port_taken` or `address_unusable` for what bind or listen threw. */
export function explainListenFault(error: NodeJS.ErrnoException, address: ListenAddress): HubError {
  const where = describe(address)
  if (error.code === 'EADDRINUSE') {
    return new HubError('port_taken', {
      status: 503,
      message: `Another program already listens on ${where}.`,
      nextStep: 'Stop that program, or choose another address.',
      cause: error,
    })
  }
  return new HubError('address_unusable', {
    status: 500,
    message: `Cannot listen on ${where}: ${error.code ?? error.message}.`,
    nextStep:
      error.code === 'EACCES'
        ? 'Ports below 1024 and other people’s folders need permission; choose another address or grant it.'
        : 'Check that the address belongs to this machine.',
    cause: error,
  })
}

/** Removes a Unix socket at which nobody listens. */
export async function removeStaleSocket(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const probe = net.connect({ path })
  probe.once('connect', () => resolve(undefined))
  probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  const outcome = await promise
  probe.destroy()
  if (outcome === 'ECONNREFUSED') await rm(path, { force: true })
}
