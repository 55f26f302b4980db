import { isIP } from 'node:net'

/** `hub.internal` -> `DNS:hub.internal`, `::1` -> `IP:::1`; what has its kind already stays. */
export function alternativeName(host: string): string {
  return /^(DNS|IP):/.test(host) ? host : `${isIP(host) ? 'IP' : 'DNS'}:${host}`
}
