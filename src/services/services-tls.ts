/** Internal TLS for services: each managed one gets a certificate at every start. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { percentEncode } from '../core/names.ts'
import { replaceFile } from '../db/replace-file.ts'
import type { ClientTls } from '../pki/internal/client-tls.ts'
import type { ServerTls, TlsFilePaths } from '../plugin/spawner.ts'

export interface ServicesTls {
  /** Where those of services lie that run as the hub's own user. */
  readonly folder: string
  /** How the hub connects to services. */
  connect(): ClientTls
  issue(name: string): Promise<ServerTls>
}

/** For a service of the hub's own user; one of another user gets them by the launcher. */
export async function placeServiceTls(folder: string, name: string, tls: ServerTls): Promise<TlsFilePaths> {
  const file = `service-${percentEncode(name)}`
  const own = join(folder, file)
  mkdirSync(own, { recursive: true, mode: 0o700 })
  const paths = { keyFile: join(own, `${file}.key`), certFile: join(own, `${file}.crt`), caFile: join(own, 'ca.crt') }
  await replaceFile(paths.keyFile, tls.key)
  await replaceFile(paths.certFile, tls.cert)
  await replaceFile(paths.caFile, tls.ca)
  return paths
}
