/** Names of units: which server they belong to can be read from them, and no two servers share one. */
import { createHash } from 'node:crypto'
import type { ServerKey } from '../../core/server-key.ts'

/**
 * Without the suffix. systemd takes more for a name, but not for the files that it writes of a unit, whose names are longer.
 */
const LONGEST = 190
const DIGEST_LENGTH = 32
/** Bytes of a name are never 0xff, since names are UTF-8; so nothing that is written out holds this. */
const SHORTENED = '\\xff'

/**
 * What a name of units must look like: fixed text, then `{username}`, perhaps `{servername}`, with fixed text that
 * begins with a hyphen between them. Names of users hold no hyphen when they are escaped, so that nothing of one part
 * can pass for another. The text before keeps users off the other units of the machine.
 */
export const UNIT_NAME_PATTERN =
  /^[A-Za-z0-9_.:]+-(?:[A-Za-z0-9_.:]+-)*\{username\}(?:-(?:[A-Za-z0-9_.:]+-)*\{servername\})?(?:-[A-Za-z0-9_.:]+)*$/

/** Without its suffix `.service`. A server without a name, and one whose template names no servers, are told apart. */
export function unitNameOf(key: ServerKey, template: string): string {
  const named = key.server === '' || template.includes('{servername}') ? template : `${template}-{servername}`
  const filledIn = named
    .replace('{username}', () => escapeUnitPart(key.user))
    .replace('{servername}', () => escapeUnitPart(key.server))
  // Units show it as it is; the hyphen is not needed for telling names apart, as no name ends with one.
  const name = filledIn.replace(/-$/, '')
  if (name.length <= LONGEST) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_LENGTH)
  return `${name.slice(0, LONGEST - SHORTENED.length - DIGEST_LENGTH)}${SHORTENED}${digest}`
}

/** As `systemd-escape` does it (systemd.unit(5), "String escaping for inclusion in unit names"), but for `/`. */
export function escapeUnitPart(text: string): string {
  return [...Buffer.from(text)]
    .map((byte, at) => {
      const character = String.fromCharCode(byte)
      const plain = /[A-Za-z0-9:_]/.test(character) || (character === '.' && at > 0)
      return plain ? character : `\\x${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}
