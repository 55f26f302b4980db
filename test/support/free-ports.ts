import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports that are free now, for programs that must be told theirs. All are open at once, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as { port: number }).port) // TCP, so it is no string
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
