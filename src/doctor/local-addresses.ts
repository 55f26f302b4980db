/** Hosts of URLs that mean the machine that asks, and no other. */
export const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** `http://:8000`, `http://0.0.0.0:8000`: an address to listen on as one to connect to. */
export function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::' || host === '[::]'
}
