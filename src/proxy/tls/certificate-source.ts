/** Where the certificate of the public side comes from: files, one made here, or an authority over ACME. */
import type { SecureContextOptions } from 'node:tls'
import type { CertificateFacts } from '../../pki/key-pair.ts'

export interface CertificateSource {
  readonly kind: 'files' | 'self-signed' | 'acme'
  /** Key, chain and what else connections that come now are shown. */
  readonly context: SecureContextOptions
  readonly facts: CertificateFacts
  /** Why there is no newer certificate although there should be one; for the operator. */
  readonly fault: string | undefined
  /** Looks for a newer one now. Never throws: the old one goes on. */
  reload(): Promise<void>
  close(): Promise<void>
}

/** Called after `context` has changed. */
export type CertificateChanged = () => void
