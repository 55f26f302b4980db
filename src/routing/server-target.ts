/** A server's address in its three shapes: as a spawner returns it, as a row of `servers`, as the URL a proxy forwards to. */
import { hostname } from 'node:os'
import { percentEncode } from '../core/names.ts'
import type { Address } from '../plugin/spawner.ts'

/** Columns of `servers` that say where it listens. */
export interface AddressRow {
  readonly proto: string
  readonly ip: string
  readonly port: number
}

/** `http://127.0.0.1:54321`, without a path; `http+unix://%2Frun%2Falice.sock` for a socket. */
export function serverTarget(address: Address): string {
  if (address.proto === 'http+unix') return `http+unix://${percentEncode(address.host)}`
  const host = reachableHost(address.host)
  return `${address.proto}://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

/** JupyterHub keeps a socket's path percent-encoded in `ip`, with port 80. */
export function toAddressRow(address: Address): AddressRow {
  if (address.proto === 'http+unix') return { proto: address.proto, ip: percentEncode(address.host), port: 80 }
  return { proto: address.proto, ip: address.host, port: address.port }
}

export function fromAddressRow(row: AddressRow): Address {
  if (row.proto === 'http+unix') return { proto: 'http+unix', host: decodeURIComponent(row.ip), port: 0 }
  return { proto: row.proto === 'https' ? 'https' : 'http', host: row.ip, port: row.port }
}

/** A server that listens on all interfaces is reached by this machine's name, as JupyterHub does it. */
export function reachableHost(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? hostname() : host
}
