import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type AcmeSettings, type Challenge, LETS_ENCRYPT, LETS_ENCRYPT_STAGING } from '../../pki/acme/settings.ts'
import type { ProxyFlags } from '../options-from-flags.ts'
import type { CertificateSettings } from './public-tls.ts'

/** Where the certificate shall come from; undefined for plain HTTP. Adds to `faults` what cannot be. */
export function certificateFrom(
  flags: ProxyFlags,
  env: NodeJS.ProcessEnv,
  faults: string[],
): CertificateSettings | undefined {
  const inFiles = flags.sslKey !== undefined || flags.sslCert !== undefined
  if ([inFiles, flags.selfSigned, flags.acme].filter(Boolean).length > 1) {
    faults.push('--ssl-key and --ssl-cert, --self-signed and --acme exclude each other')
  }
  if (flags.acme) return acmeFrom(flags, env, faults)
  if (flags.selfSigned) return { kind: 'self-signed', folder: resolve(flags.sslFolder), names: ownNames(flags) }
  const { sslKey: key, sslCert: cert, sslCa: ca, sslDhparam: dhparam } = flags
  if (key === undefined || cert === undefined) return undefined
  return { kind: 'files', files: { key, cert, ca, dhparam, passphrase: env.CONFIGPROXY_SSL_KEY_PASSPHRASE } }
}

function acmeFrom(flags: ProxyFlags, env: NodeJS.ProcessEnv, faults: string[]): CertificateSettings {
  const { sslName: names, acmeDirectory, acmeEabKeyId: keyId, acmeCa: caFile } = flags
  const hmacKey = env.CONFIGPROXY_ACME_EAB_HMAC_KEY
  if (names.length === 0) faults.push('--acme needs --ssl-name')
  for (const name of names) {
    if (isIP(name) || !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(name)) {
      faults.push(`--ssl-name: expected a host name for --acme, got "${name}"`)
    }
  }
  if (acmeDirectory !== undefined && URL.parse(acmeDirectory)?.protocol !== 'https:') {
    faults.push(`--acme-directory: expected an https URL, got "${acmeDirectory}"`)
  }
  if (acmeDirectory !== undefined && flags.acmeStaging) {
    faults.push("--acme-staging is Let's Encrypt's, and --acme-directory names another one")
  }
  if (keyId !== undefined && !hmacKey) faults.push('--acme-eab-key-id needs CONFIGPROXY_ACME_EAB_HMAC_KEY')
  if (caFile !== undefined) checkReadable('--acme-ca', caFile, faults)
  const challenge = flags.acmeChallenge ?? (flags.redirectPort === undefined ? 'tls-alpn-01' : 'http-01')
  if (challenge === 'http-01' && flags.redirectPort === undefined) {
    faults.push('--acme-challenge http-01 is answered on the port of --redirect-port')
  }
  const settings: AcmeSettings = {
    folder: resolve(flags.sslFolder),
    names: names.map(name => name.toLowerCase()),
    directoryUrl: acmeDirectory ?? (flags.acmeStaging ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT),
    challenge: challenge as Challenge, // commander allows no other
    email: flags.acmeEmail,
    caFile: caFile && resolve(caFile),
    externalAccount: keyId !== undefined && hmacKey ? { keyId, hmacKey } : undefined,
  }
  return { kind: 'acme', ...settings }
}

/** Under which names and addresses a proxy in a private network may be reached, besides those that are given. */
function ownNames({ sslName, ip }: ProxyFlags): string[] {
  const address = ip !== undefined && isIP(ip) && !['0.0.0.0', '::'].includes(ip) ? [ip] : []
  return [...new Set([...sslName, hostname(), 'localhost', ...address, '127.0.0.1', '::1'])]
}

function checkReadable(option: string, file: string, faults: string[]): void {
  try {
    readFileSync(file)
  } catch (error) {
    faults.push(`${option}: ${(error as NodeJS.ErrnoException).message}`) // readFileSync throws system errors
  }
}
