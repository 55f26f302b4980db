/**
 * What opens the probes: short-lived, made and proved with a key that follows from the cookie secret, so that any
 * process that may read it (the hub, root) can make one, every hub of the site knows it, and nothing is stored.
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

/** A header rather than a part of the address, which programs in front write into their logs. */
export const PROBE_HEADER = 'x-orrery-probe'

const LIFETIME_MS = 5 * 60_000

/** `v1.EXPIRES.NONCE.MAC`, with the end of its life in milliseconds since 1970. */
export function makeProbeKey(cookieSecret: Uint8Array, now: Date): string {
  const stated = `v1.${now.getTime() + LIFETIME_MS}.${randomBytes(12).toString('base64url')}`
  return `${stated}.${macOf(stated, cookieSecret).toString('base64url')}`
}

export function isProbeKey(text: unknown, cookieSecret: Uint8Array, now: Date): boolean {
  if (typeof text !== 'string' || text.length > 200) return false
  const [version, expires, nonce, mac, ...rest] = text.split('.')
  if (version !== 'v1' || !expires || !nonce || !mac || rest.length > 0) return false
  const given = Buffer.from(mac, 'base64url')
  const right = macOf(`${version}.${expires}.${nonce}`, cookieSecret)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return false
  const left = Number(expires) - now.getTime()
  return left > 0 && left <= LIFETIME_MS
}

function macOf(stated: string, cookieSecret: Uint8Array): Buffer {
  const key = Buffer.from(hkdfSync('sha256', cookieSecret, '', 'orrery probe', 32))
  return createHmac('sha256', key).update(stated).digest()
}
