/** The certificate of an authority, got over ACME by the proxy itself: it owns the ports that the authority asks at. */
import { join } from 'node:path'
import type { Logger } from '../../core/runtime.ts'
import { type Challenges, challengesIn } from '../../pki/acme/challenges.ts'
import { type AcmeSettings, acmeFileNames } from '../../pki/acme/settings.ts'
import { readCertificateFacts } from '../../pki/key-pair.ts'
import { makeSelfSigned } from '../../pki/self-signed.ts'
import type { CertificateChanged, CertificateSource } from './certificate-source.ts'
import { watchFiles } from './watch-files.ts'

export interface AcmeSource extends CertificateSource {
  readonly challenges: Challenges
  /** To be called when the ports listen. */
  begin(): void
}

/** Throws system errors when the folder of the settings cannot be written. */
export async function acmeCertificate(
  settings: AcmeSettings,
  changed: CertificateChanged,
  log: Logger,
): Promise<AcmeSource> {
  const { keepAcmeCertificate } = await import('../../pki/acme/keep-certificate.ts')
  const challenges = challengesIn(settings.folder)
  const kept = await keepAcmeCertificate(settings, challenges, changed, log)
  // Another process may be the one that orders.
  const watched = watchFiles([join(settings.folder, acmeFileNames(settings).certificate)], () => void kept.look())
  // Until the first one is issued there is something to show, and whoever connects learns that it is not yet there.
  const first = kept.pair ?? (await makeSelfSigned(settings.names, new Date()))

  return {
    kind: 'acme',
    challenges,
    get context() {
      return kept.pair ?? first
    },
    get facts() {
      return readCertificateFacts((kept.pair ?? first).cert)
    },
    get fault() {
      return kept.fault ?? (kept.pair ? undefined : 'No certificate has been issued yet.')
    },
    begin: kept.begin,
    reload: kept.check,
    async close() {
      watched.close()
      kept.close()
    },
  }
}
