/**
 * The proxy's listening sockets, opened by the supervisor and kept while proxies come and go. The supervisor binds them
 * and never listens, accepts or reads; the proxies inherit them. What connects while none runs waits in the kernel's queue.
 * As root, ports below 1024 need no right of the proxy's own. See docs/decisions/0008-listening-sockets-outlive-the-proxy.md.
 */
import type { BoundSocket } from 'node:net'
import type { Config } from '../../config/schema.ts'
import { bindTcp } from '../../proxy/bound-socket.ts'
import { inheritedSockets, type SocketName } from '../../proxy/inherited-sockets.ts'
import { proxySettings } from '../hub/proxy-settings.ts'
import { type Listen, redirectListen, refusedAddress, takenAddress } from '../ports.ts'

export interface HeldSocket {
  readonly name: SocketName
  readonly fd: number
}

export interface HeldSockets {
  readonly sockets: readonly HeldSocket[]
  /** Connections are refused from now on, once the last proxy has ended, too. */
  release(): void
}

/** Those that somebody has opened for this process, such as systemd; taken once, so that no child believes they are its own. */
export function takeInheritedSockets(env: NodeJS.ProcessEnv): ReadonlyMap<SocketName, number> {
  const sockets = inheritedSockets(env, process.pid)
  for (const name of ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID']) delete env[name]
  return sockets
}

/** Throws HubError `port_taken`, `port_forbidden`, `address_unusable`; nothing is left open then. */
export async function holdSockets(config: Config, inherited: ReadonlyMap<SocketName, number>): Promise<HeldSockets> {
  const held: HeldSocket[] = []
  const bound: BoundSocket[] = []
  const release = () => {
    for (const socket of bound.splice(0)) socket.close()
  }
  try {
    for (const { name, listen, option } of wanted(config)) {
      const given = inherited.get(name)
      if (given === undefined) bound.push(await bind(listen, option))
      held.push({ name, fd: given ?? bound.at(-1)!.fd() })
    }
  } catch (error) {
    release()
    throw error
  }
  return { sockets: held, release }
}

function wanted(config: Config): { name: SocketName; listen: Listen; option: string }[] {
  const { ip, port, apiIp, apiPort } = proxySettings(config)
  const redirect = redirectListen(config)
  return [
    { name: 'public', listen: { host: ip, port }, option: '--port' },
    { name: 'api', listen: { host: apiIp, port: apiPort }, option: 'proxy.apiUrl' },
    ...(redirect ? [{ name: 'redirect' as const, listen: redirect, option: 'proxy.tls.redirectPort' }] : []),
  ]
}

async function bind(listen: Listen, option: string): Promise<BoundSocket> {
  try {
    return await bindTcp(listen)
  } catch (error) {
    throw codeOf(error) === 'EADDRINUSE' ? takenAddress(listen, option) : refusedAddress(listen, codeOf(error), option)
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error) // lookup and bind throw system errors
}
