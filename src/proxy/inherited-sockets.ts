/**
 * Listening sockets that another process has opened and keeps: systemd (`.socket` units), `orrery start`, a predecessor.
 * Connections that come while no proxy runs wait in them. The convention is that of sd_listen_fds(3): descriptors from 3
 * on, `LISTEN_FDS` says how many, `LISTEN_FDNAMES` how they are called.
 */
import { HubError } from '../core/errors.ts'
import type { ProxyOptions } from './proxy-options.ts'

export type SocketName = 'public' | 'api' | 'metrics' | 'redirect'

const FIRST_FD = 3
const NAMES: readonly string[] = ['public', 'api', 'metrics', 'redirect'] satisfies SocketName[]

/**
 * Descriptors by name. `LISTEN_PID`, where it is set, must name this process: variables are inherited further than
 * descriptors are. Who starts a program by way of another, as `orrery` does and Node's spawn cannot but do, takes it out.
 * One socket that has none of our names is the public one. Throws HubError `proxy_options_invalid`.
 */
export function inheritedSockets(env: NodeJS.ProcessEnv, pid: number): ReadonlyMap<SocketName, number> {
  const count = Number(env.LISTEN_FDS ?? 0)
  const sockets = new Map<SocketName, number>()
  if (!(count > 0) || (env.LISTEN_PID && Number(env.LISTEN_PID) !== pid)) return sockets
  const names = (env.LISTEN_FDNAMES ?? '').split(':')
  for (let index = 0; index < count; index++) {
    const given = names[index] ?? ''
    const name = NAMES.includes(given) ? (given as SocketName) : 'public'
    if (sockets.has(name)) {
      throw new HubError('proxy_options_invalid', {
        status: 400,
        message: `Two inherited sockets are to be the ${name} one (LISTEN_FDNAMES: "${env.LISTEN_FDNAMES ?? ''}").`,
        nextStep: `Name each, in a .socket unit with FileDescriptorName=: ${NAMES.join(', ')}.`,
      })
    }
    sockets.set(name, FIRST_FD + index)
  }
  return sockets
}

/** The environment that hands sockets on, which stand in the child's `stdio` from the third place on. */
export function listenEnvironment(names: readonly SocketName[]): NodeJS.ProcessEnv {
  if (names.length === 0) return {}
  return { LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':') }
}

/** Addresses give way to sockets that are open already. Throws HubError `proxy_options_invalid`. */
export function withInheritedSockets(options: ProxyOptions, sockets: ReadonlyMap<SocketName, number>): ProxyOptions {
  const at = (name: SocketName) => {
    const fd = sockets.get(name)
    return fd === undefined ? undefined : { fd }
  }
  const redirect = at('redirect')
  if (redirect && !options.tls && !options.certificate) {
    throw new HubError('proxy_options_invalid', {
      status: 400,
      message: 'There is a socket that redirects to HTTPS, and no key and certificate for HTTPS.',
      nextStep: 'Give --ssl-key and --ssl-cert, --self-signed or --acme, or leave the socket out.',
    })
  }
  return {
    ...options,
    listen: at('public') ?? options.listen,
    api: at('api') ?? options.api,
    metrics: at('metrics') ?? options.metrics,
    redirect: redirect ? { port: 0, ...options.redirect, listen: redirect } : options.redirect,
  }
}
