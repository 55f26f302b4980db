/** Attributes of a cookie as it is set. Times in seconds. */
export interface CookieAttributes {
  readonly path: string
  readonly httpOnly?: boolean
  readonly secure?: boolean
  readonly sameSite?: 'strict' | 'lax' | 'none'
  readonly domain?: string
  readonly maxAgeSeconds?: number
  readonly expires?: Date
}

const MAX_HEADER_LENGTH = 32_768
/** What may stand in a value without quotes: RFC 6265's `cookie-value`, less the `=` that Python's reader minds. */
const PLAIN_VALUE = /^[\w!#$%&'*+\-.^`|~:]*$/
const QUOTED_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/**
 * All values that a `Cookie` header gives for a name, in its order: a browser sends one for each path and domain that
 * fits. Quotes round a value, as Python writes them, are taken off.
 */
export function readCookies(header: string | undefined, name: string): string[] {
  if (!header || header.length > MAX_HEADER_LENGTH) return []
  const values: string[] = []
  for (const part of header.split(';')) {
    const at = part.indexOf('=')
    if (at < 0 || part.slice(0, at).trim() !== name) continue
    const value = part.slice(at + 1).trim()
    values.push(value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value)
  }
  return values
}

/** A `Set-Cookie` line. Throws TypeError for a value that could break out of it. */
export function cookieLine(name: string, value: string, attributes: CookieAttributes): string {
  if (!QUOTED_VALUE.test(value)) throw new TypeError(`value of cookie ${name} has characters that cookies cannot hold`)
  const parts = [`${name}=${PLAIN_VALUE.test(value) ? value : `"${value}"`}`]
  if (attributes.expires) parts.push(`Expires=${attributes.expires.toUTCString()}`)
  if (attributes.maxAgeSeconds !== undefined) parts.push(`Max-Age=${Math.floor(attributes.maxAgeSeconds)}`)
  if (attributes.domain) parts.push(`Domain=${plainAttribute(attributes.domain)}`)
  parts.push(`Path=${plainAttribute(attributes.path)}`)
  if (attributes.httpOnly) parts.push('HttpOnly')
  if (attributes.secure) parts.push('Secure')
  if (attributes.sameSite)
    parts.push(`SameSite=${attributes.sameSite[0]!.toUpperCase()}${attributes.sameSite.slice(1)}`)
  return parts.join('; ')
}

function plainAttribute(text: string): string {
  if (!/^[\x21-\x3a\x3c-\x7e]*$/.test(text))
    throw new TypeError('cookie attribute has characters that cookies cannot hold')
  return text
}
