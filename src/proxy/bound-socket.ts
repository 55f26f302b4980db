/** Sockets that are bound and neither listen nor accept, to be handed to the processes that do. */
import { lookup } from 'node:dns/promises'
import { BoundSocket } from 'node:net'
import { explainListenFault, type ListenAddress, removeStaleSocket } from './listen.ts'

/**
 * An empty host is every interface. Throws the system's error.
 */
export async function bindTcp({ host, port }: { host?: string | undefined; port: number }): Promise<BoundSocket> {
  if (host) return new BoundSocket({ host: (await lookup(host)).address, port })
  try {
    return new BoundSocket({ host: '::', port }) // IPv4, too
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // bind throws system errors
    if (code === 'EADDRINUSE' || code === 'EACCES') throw error
    return new BoundSocket({ host: '0.0.0.0', port }) // a machine without IPv6
  }
}

export interface HeldAddress {
  readonly fd: number
  /** Takes the socket out of this process; others that have it keep it. */
  release(): void
}

/** Throws HubError `port_taken`, `address_unusable`. An inherited socket is held already, and stays so. */
export async function holdAddress(address: ListenAddress): Promise<HeldAddress> {
  if ('fd' in address) return { fd: address.fd, release: () => {} }
  if ('socketPath' in address) await removeStaleSocket(address.socketPath)
  try {
    // `path`: Node 26.10 has it, its types do not yet.
    const socket =
      'port' in address ? await bindTcp(address) : new BoundSocket({ path: address.socketPath } as { port?: number })
    return { fd: socket.fd(), release: () => socket[Symbol.dispose]() }
  } catch (error) {
    throw explainListenFault(error as NodeJS.ErrnoException, address) // bind throws system errors
  }
}
