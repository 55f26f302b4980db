import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { HubError } from '../core/errors.ts'

export interface Listen {
  /** Empty for every address. */
  readonly host: string
  readonly port: number
}

/** `http://:8000` and the like. */
export function listenOf(url: string): Listen {
  const parsed = new URL(url.replace('//:', '//0.0.0.0:'))
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : Number(parsed.port)
  return { host: url.includes('//:') ? '' : host, port }
}

/** Where plain HTTP is redirected: the same interfaces as the public port. Undefined when it is not. */
export function redirectListen({ bindUrl, proxy }: Pick<Config, 'bindUrl' | 'proxy'>): Listen | undefined {
  const { redirectPort } = proxy.tls
  return redirectPort === undefined ? undefined : { host: listenOf(bindUrl).host, port: redirectPort }
}

/**
 * Proves that an address can be listened on. A former Orrery that has just been killed is given a moment to go.
 * Throws HubError `port_taken`, `port_forbidden` or `address_unusable`; `option` names what to change.
 */
export async function assertPortFree(listen: Listen, option: string, patienceMs = 3000): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const code = await tryToListen(listen)
    if (code === undefined) return
    if (code !== 'EADDRINUSE') throw refusedAddress(listen, code, option)
    if (Date.now() >= deadline) throw takenAddress(listen, option)
    await sleep(100)
  }
}

function tryToListen(listen: Listen): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(listen.port, listen.host || undefined, () => server.close(() => resolve(undefined)))
  })
}

/** What to say when another program has an address. */
export function takenAddress(listen: Listen, option: string): HubError {
  return new HubError('port_taken', {
    status: 503,
    message: `Port ${listen.port}${listen.host ? ` on ${listen.host}` : ''} is taken by another program.`,
    nextStep: `Stop that program, or choose another port with ${option}.`,
  })
}

/** What to say when an address is not ours to take, by the system's code. */
export function refusedAddress(listen: Listen, code: string, option: string): HubError {
  if (code === 'EACCES') {
    return new HubError('port_forbidden', {
      status: 500,
      message: `Only root may listen on port ${listen.port}.`,
      nextStep: `Start as root, or choose a port from 1024 up with ${option}.`,
    })
  }
  return new HubError('address_unusable', {
    status: 500,
    message: `${listen.host} is no address of this machine (${code}).`,
    nextStep: `Change ${option}.`,
  })
}
