/** What operators are told of the certificate that browsers see, read from where it is kept: any process can tell it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readFailures } from '../../pki/acme/retry.ts'
import { acmeFileNames } from '../../pki/acme/settings.ts'
import { readCertificateFacts } from '../../pki/key-pair.ts'
import { loadCertificateFiles } from './certificate-files.ts'
import type { CertificateSettings } from './public-tls.ts'
import { SELF_SIGNED_FILE } from './self-signed-certificate.ts'

/** As `GET /api/certificate` of the proxy has it. */
export interface CertificateReport {
  readonly kind: CertificateSettings['kind']
  readonly names: readonly string[]
  readonly issuer: string
  /** ISO 8601; null while there is none. */
  readonly not_before: string | null
  readonly not_after: string | null
  /** Why there is no newer one although there should be; null when all is well. */
  readonly fault: string | null
}

export async function readCertificateReport(settings: CertificateSettings): Promise<CertificateReport> {
  const { kind } = settings
  const fault =
    kind === 'acme'
      ? ((await readFailures(join(settings.folder, acmeFileNames(settings).failures)))?.reason ?? null)
      : null
  try {
    const { names, issuer, notBefore, notAfter } = readCertificateFacts(await readChain(settings))
    return { kind, names, issuer, not_before: notBefore.toISOString(), not_after: notAfter.toISOString(), fault }
  } catch (error) {
    const reason = fault ?? (error as Error).message // of the file system or OpenSSL
    return { kind, names: [], issuer: '', not_before: null, not_after: null, fault: reason }
  }
}

async function readChain(settings: CertificateSettings): Promise<string> {
  if (settings.kind === 'files') return String(loadCertificateFiles(settings.files).context.cert)
  const file = settings.kind === 'acme' ? acmeFileNames(settings).certificate : SELF_SIGNED_FILE
  return readFile(join(settings.folder, file), 'utf8').then(text =>
    text.slice(text.indexOf('-----BEGIN CERTIFICATE-----')),
  )
}
