/**
 * What an authority will ask for during an order, as files: the order may run in another process than the one that its
 * question reaches.
 */
import { readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { joinKeyPair, type KeyPair, splitKeyPair } from '../key-pair.ts'

export interface Challenges {
  /** HTTP-01: the text of `/.well-known/acme-challenge/<token>` (RFC 8555, 8.3). */
  putHttp(token: string, keyAuthorization: string): Promise<void>
  /** TLS-ALPN-01: the certificate for connections that offer `acme-tls/1` (RFC 8737). */
  putAlpn(name: string, pair: KeyPair): Promise<void>
  findHttp(token: string): Promise<string | undefined>
  /** Synchronous, since the handshake cannot wait; only authorities offer that protocol. */
  findAlpn(name: string): KeyPair | undefined
  /** Forgets all of them, those of an order that `kill -9` has ended too. */
  clear(): Promise<void>
}

/** Both come from strangers and become part of a path: nothing but base64url, nothing but names. */
const TOKEN = /^[\w-]{1,256}$/
const NAME = /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/

/** @param acmeFolder that of `AcmeSettings`; they have a folder of their own in it */
export function challengesIn(acmeFolder: string): Challenges {
  const folder = join(acmeFolder, 'challenges')
  const httpFile = (token: string) => (TOKEN.test(token) ? join(folder, `http-${token}`) : undefined)
  const alpnFile = (name: string) =>
    NAME.test(name.toLowerCase()) ? join(folder, `alpn-${name.toLowerCase()}`) : undefined

  async function put(file: string | undefined, text: string): Promise<void> {
    if (file === undefined) throw new Error('the authority sent a token or a name that is none')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(file, text, { mode: 0o600 })
  }

  return {
    putHttp: (token, keyAuthorization) => put(httpFile(token), keyAuthorization),
    putAlpn: (name, pair) => put(alpnFile(name), joinKeyPair(pair)),
    async findHttp(token) {
      const file = httpFile(token)
      return file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined)
    },
    findAlpn(name) {
      const file = alpnFile(name)
      try {
        return file === undefined ? undefined : splitKeyPair(readFileSync(file, 'utf8'))
      } catch {
        return undefined
      }
    },
    clear: () => rm(folder, { recursive: true, force: true }),
  }
}
