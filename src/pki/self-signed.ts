/** A certificate that vouches for itself: for private networks, and until an authority has issued a better one. */
import { isIP } from 'node:net'
import type { KeyPair } from './key-pair.ts'
import { certificatePem, NEW_KEYS, newKeys, newSerialNumber, privatePem } from './new-keys.ts'

const DAY_MS = 86_400_000
/** What browsers and macOS accept at most of a certificate that somebody has put among the trusted ones: 825 days. */
const LIFETIME_MS = 800 * DAY_MS
/** For clocks of clients that are behind. */
const EARLIER_MS = DAY_MS

/** @param names host names and IP addresses; the first is the common name */
export async function makeSelfSigned(names: readonly string[], now: Date): Promise<KeyPair> {
  // Loaded when needed: nobody with a certificate of an authority needs it.
  const x509 = await import('@peculiar/x509')
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: [{ CN: [commonName(names)] }, { O: ['Orrery, self-signed'] }],
    keys,
    signingAlgorithm: NEW_KEYS,
    notBefore: new Date(now.getTime() - EARLIER_MS),
    notAfter: new Date(now.getTime() + LIFETIME_MS),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(value => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: privatePem(keys.privateKey), cert: certificatePem(certificate.rawData) }
}

/** X.520 allows 64 characters; clients go by the alternative names anyway. */
function commonName([first = 'localhost']: readonly string[]): string {
  return first.length <= 64 ? first : 'Orrery'
}
