import { createHmac } from 'node:crypto'
import { sameText } from './token-format.ts'

const DAY_SECONDS = 86_400

/**
 * A signed value of tornado's format 2: `2|1:0|10:<seconds>|<n>:<name>|<n>:<base64 of the value>|<hex HMAC-SHA256>`.
 * Cookies of JupyterHub and Orrery with the same secret are thereby accepted by each other.
 */
export function signValue(secret: Uint8Array, name: string, value: string, now: Date): string {
  const seconds = String(Math.floor(now.getTime() / 1000))
  const encoded = Buffer.from(value).toString('base64')
  const toSign = ['2', field('0'), field(seconds), field(name), field(encoded), ''].join('|')
  return toSign + signature(secret, toSign)
}

/** The value, or undefined when it is malformed, forged, signed for another name or older than `maxAgeDays`. */
export function readSignedValue(
  secret: Uint8Array,
  name: string,
  raw: string,
  options: { maxAgeDays: number; now: Date },
): string | undefined {
  const fields = splitFields(raw)
  if (!fields) return undefined
  if (!sameText(fields.signature, signature(secret, fields.signed))) return undefined
  if (fields.name !== name) return undefined
  const signedAt = Number(fields.seconds)
  if (!Number.isFinite(signedAt) || signedAt < options.now.getTime() / 1000 - options.maxAgeDays * DAY_SECONDS)
    return undefined
  return Buffer.from(fields.value, 'base64').toString('utf8')
}

interface SignedFields {
  readonly seconds: string
  readonly name: string
  readonly value: string
  readonly signed: string
  readonly signature: string
}

function splitFields(raw: string): SignedFields | undefined {
  // Everything tornado writes is ASCII; lengths count bytes, so other input cannot be one of its values.
  if (!raw.startsWith('2|') || raw.length > 4096 || !/^[\x20-\x7e]*$/.test(raw)) return undefined
  const fields: string[] = []
  let at = 2
  for (let i = 0; i < 4; i++) {
    const colon = raw.indexOf(':', at)
    const length = colon < 0 ? '' : raw.slice(at, colon)
    if (!/^\d{1,4}$/.test(length)) return undefined
    const end = colon + 1 + Number(length)
    if (raw[end] !== '|') return undefined
    fields.push(raw.slice(colon + 1, end))
    at = end + 1
  }
  const [keyVersion, seconds, name, value] = fields
  if (!/^\d+$/.test(keyVersion!) || !/^\d+$/.test(seconds!)) return undefined
  return { seconds: seconds!, name: name!, value: value!, signed: raw.slice(0, at), signature: raw.slice(at) }
}

function field(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

function signature(secret: Uint8Array, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}
