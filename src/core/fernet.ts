/**
 * Fernet tokens (https://github.com/fernet/spec): version 0x80, time, IV, AES-128-CBC, HMAC-SHA256, in URL-safe base64.
 * JupyterHub keeps auth state in them, by Python's `cryptography`. A key is 32 bytes: 16 that sign, 16 that encrypt.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const VERSION = 0x80
const HEADER_BYTES = 9
const IV_BYTES = 16
const MAC_BYTES = 32

export const FERNET_KEY_BYTES = 32

export function encryptFernet(
  key: Uint8Array,
  plain: Uint8Array,
  { now, iv = randomBytes(IV_BYTES) }: { now: Date; iv?: Uint8Array },
): string {
  const header = Buffer.alloc(HEADER_BYTES)
  header[0] = VERSION
  header.writeBigUInt64BE(BigInt(Math.floor(now.getTime() / 1000)), 1)
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv)
  const signed = Buffer.concat([header, iv, cipher.update(plain), cipher.final()])
  return withPadding(Buffer.concat([signed, macOf(key, signed)]).toString('base64url'))
}

/** By the first key that fits, which is told by its place. Undefined when none does, or when it is no token at all. */
export function decryptFernet(
  keys: readonly Uint8Array[],
  token: string,
): { readonly plain: Buffer; readonly key: number } | undefined {
  const bytes = Buffer.from(token, 'base64url')
  const isWhole = bytes.length >= HEADER_BYTES + IV_BYTES + 16 + MAC_BYTES && bytes[0] === VERSION
  if (!isWhole) return undefined
  const signed = bytes.subarray(0, -MAC_BYTES)
  const mac = bytes.subarray(-MAC_BYTES)
  const found = keys.findIndex(key => timingSafeEqual(macOf(key, signed), mac))
  if (found < 0) return undefined
  const decipher = createDecipheriv('aes-128-cbc', keys[found]!.subarray(16), signed.subarray(HEADER_BYTES, 25))
  try {
    return { plain: Buffer.concat([decipher.update(signed.subarray(25)), decipher.final()]), key: found }
  } catch {
    return undefined // signed, but its length or padding is wrong
  }
}

function macOf(key: Uint8Array, signed: Uint8Array): Buffer {
  return createHmac('sha256', key.subarray(0, 16)).update(signed).digest()
}

/** Python's decoder wants it. */
function withPadding(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
