/** What every certificate made here has in common: the kind of its key, its serial number, its texts. */
import { KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'

export const NEW_KEYS = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(NEW_KEYS, true, ['sign', 'verify'])
}

/** PKCS #8. */
export function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** As Node writes it, with lines of 64 characters. */
export function certificatePem(der: ArrayBuffer): string {
  return new X509Certificate(Buffer.from(der)).toString()
}

/** 16 bytes as hexadecimal digits, of which the first bit is 0: serial numbers are positive (RFC 5280, 4.1.2.2). */
export function newSerialNumber(): string {
  const serial = randomBytes(16)
  serial[0]! &= 0x7f
  return serial.toString('hex')
}
