/** A folder of certificates of its own, and connections between their holders. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { systemClock } from '../../core/runtime.ts'
import type { PkiSettings } from './change-pki.ts'
import type { TlsMaterial } from './material.ts'

export const LOCAL_NAMES = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'] as const

export function testPki(given: Partial<PkiSettings> = {}): PkiSettings & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-pki-'))
  return {
    folder,
    names: { hub: LOCAL_NAMES, proxyApi: LOCAL_NAMES, proxyClient: LOCAL_NAMES },
    given: {},
    clock: systemClock,
    ...given,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Do both sides accept each other? What the one that does not says, or `connected`. */
export async function handshake(server: TlsMaterial, client: Partial<TlsMaterial>): Promise<string> {
  const listening = createServer({ ...server, requestCert: true, rejectUnauthorized: true }, socket => {
    socket.on('error', () => {})
    socket.end('hello')
  })
  listening.on('tlsClientError', () => {})
  await once(listening.listen(0, '127.0.0.1'), 'listening')
  const { port } = listening.address() as AddressInfo // listens on TCP
  const socket = connect({ host: '127.0.0.1', port, ...client })
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.on('data', () => resolve('connected')) // with TLS 1.3 a client learns of its refusal after its own handshake
  socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
  socket.on('close', () => resolve('closed'))
  const outcome = await promise
  socket.destroy()
  await new Promise(done => listening.close(done))
  return outcome
}
