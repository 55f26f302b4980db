/** A certificate with its private key, and what it says. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

export interface KeyPair {
  /** PEM. */
  readonly key: string
  /** PEM; the certificate itself first, then those between it and the authority. */
  readonly cert: string
}

export interface CertificateFacts {
  /** Host names and addresses that it is good for. */
  readonly names: readonly string[]
  /** `CN=R11, O=Let's Encrypt, C=US` */
  readonly issuer: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Reads the first certificate of a PEM text. Throws OpenSSL's error when there is none. */
export function readCertificateFacts(pem: string | Buffer): CertificateFacts {
  const certificate = new X509Certificate(pem)
  return {
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .flatMap(entry => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []),
    issuer: certificate.issuer.split('\n').join(', '),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  }
}

/** Whether a certificate is good for all of these host names and addresses. */
export function coversNames(pem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pem)
  const written = readCertificateFacts(pem).names
  return names.every(name => written.includes(name) || (isIP(name) !== 0 && certificate.checkIP(name) !== undefined))
}

/** Key and chain in one file, so that nobody ever sees the key of one beside the certificate of another. */
export function joinKeyPair({ key, cert }: KeyPair): string {
  return `${key.trim()}\n${cert.trim()}\n`
}

/** The inverse of `joinKeyPair`. Throws when a part is missing or the key is not that of the certificate. */
export function splitKeyPair(text: string): KeyPair {
  const blocks = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g) ?? []
  const key = blocks.find(block => block.includes('PRIVATE KEY-----'))
  const cert = blocks.filter(block => block.startsWith('-----BEGIN CERTIFICATE-----')).join('\n')
  if (!key || !cert) throw new Error('no key or no certificate in it')
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('key and certificate do not match')
  return { key, cert }
}

/** The part of a certificate's life after which it is time for another: a third is left then. */
export function renewalTime({ notBefore, notAfter }: Pick<CertificateFacts, 'notBefore' | 'notAfter'>): Date {
  return new Date(notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3)
}
