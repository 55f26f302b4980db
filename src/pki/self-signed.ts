/** A certificate that vouches for itself: for private networks, and until an authority has issued a better one. */
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { KeyPair } from './key-pair.ts'

const DAY_MS = 86_400_000
/** What browsers and macOS accept at most of a certificate that somebody has put among the trusted ones: 825 days. */
const LIFETIME_MS = 800 * DAY_MS
/** For clocks of clients that are behind. */
const EARLIER_MS = DAY_MS

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** @param names host names and IP addresses; the first is the common name */
export async function makeSelfSigned(names: readonly string[], now: Date): Promise<KeyPair> {
  // Loaded when needed: nobody with a certificate of an authority needs it.
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A serial number is positive: the first bit is 0 (RFC 5280, 4.1.2.2).
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: [{ CN: [commonName(names)] }, { O: ['Orrery, self-signed'] }],
    keys,
    signingAlgorithm: ALGORITHM,
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
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { key, cert: certificate.toString('pem') }
}

/** X.520 allows 64 characters; clients go by the alternative names anyway. */
function commonName([first = 'localhost']: readonly string[]): string {
  return first.length <= 64 ? first : 'Orrery'
}
