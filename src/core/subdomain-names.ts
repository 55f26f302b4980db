/**
 * Names of users and services as parts of host names: the two rules of JupyterHub 6 (`subdomain_hook`), so that people
 * keep their addresses when they move over.
 */
import { createHash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { percentEncode } from './names.ts'

export type SubdomainKind = 'user' | 'service'

/** The host of a user or a service below `domain`. */
export type SubdomainHook = (name: string, domain: string, kind: SubdomainKind) => string

/** Always a valid name; services have hosts of their own, `NAME--service`. */
export const idnaSubdomain: SubdomainHook = (name, domain, kind) =>
  `${safeLabel(name)}${kind === 'user' ? '' : `--${kind}`}.${domain}`

/** The rule before JupyterHub 5: escapes with `_`, all services on one host. Not every name gives a valid host. */
export const legacySubdomain: SubdomainHook = (name, domain, kind) =>
  kind === 'user' ? `${legacyLabel(name)}.${domain}` : `services.${domain}`

const MAX_LABEL = 63

/** The name itself, its IDNA form, or what is left of it with a hash. `--` marks the hash, so no name may bring its own. */
function safeLabel(name: string): string {
  if (name.includes('--')) return hashedLabel(name)
  if (isSafeLabel(name)) return name
  const idna = idnaLabel(name)
  return idna !== undefined && isSafeLabel(idna) ? idna : hashedLabel(name)
}

function isSafeLabel(label: string): boolean {
  if (/^\d+$/.test(label) || label.startsWith('-') || label.endsWith('-')) return false
  return label.length <= MAX_LABEL && /^[a-z0-9-]+$/i.test(label)
}

/** Up to eight safe characters as a hint for people; the hash makes it the name's own. */
function hashedLabel(name: string): string {
  const hash = createHash('sha256').update(name.toWellFormed()).digest('hex').slice(0, 7)
  const stub = name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 8)
  return `u-${stub || 'x'}--${hash}`
}

/**
 * `münchen` as `xn--mnchen-3ya`; undefined for what IDNA2008 (RFC 5891) does not allow. Node knows UTS 46, which also
 * takes symbols and capitals; the rest of the rules (bidi, joiners, punycode) are the same in both.
 */
function idnaLabel(name: string): string | undefined {
  const isPlain = !/\P{ASCII}/u.test(name)
  if (isPlain || name !== name.normalize('NFC') || name.startsWith('-') || name.endsWith('-')) return undefined
  if (/^\p{M}/u.test(name)) return undefined
  const characters = [...name]
  if (!characters.every((character, at) => isAllowed(character) || isAllowedHere(characters, at))) return undefined
  if (!joinersAreAllowed(characters)) return undefined
  return domainToASCII(name) || undefined
}

/**
 * Behind a joiner Node looks neither at directions of writing nor at other joiners, so it is asked without joiners, and
 * with each alone.
 */
function joinersAreAllowed(characters: readonly string[]): boolean {
  const joiners = characters.flatMap((character, at) => (isJoiner(character) ? [at] : []))
  if (joiners.length === 0) return true
  if (joiners.some(at => isJoiner(characters[at + 1] ?? ''))) return false
  // RFC 5893, rules 3 and 6: no label with letters from right to left ends in one.
  if (isJoiner(characters.at(-1)!) && characters.some(character => RIGHT_TO_LEFT.test(character))) return false // not empty
  const without = (kept?: number) => characters.filter((character, at) => at === kept || !isJoiner(character)).join('')
  return [undefined, ...joiners].every(kept => domainToASCII(without(kept)) !== '')
}

/** Letters of such scripts, and digits that count among them. */
const RIGHT_TO_LEFT =
  /^(?=[\p{L}\u0660-\u0669])[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]$/u

function isJoiner(character: string): boolean {
  return character === '\u200c' || character === '\u200d'
}

/** RFC 5892, PVALID. */
function isAllowed(character: string): boolean {
  if (ALWAYS_ALLOWED.has(character)) return true
  if (CONTEXTUAL.test(character) || NEVER_ALLOWED.some(pattern => pattern.test(character))) return false
  return /^[a-z0-9-]$/.test(character) || /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u.test(character)
}

/** Section 2.6: letters that a rule would exclude. */
const ALWAYS_ALLOWED = new Set('ßς\u06fd\u06fe\u0f0b\u3007')
/** Section 2.6, then what changes under normalisation, is invisible, or stands in the blocks of section 2.4. */
const NEVER_ALLOWED = [
  /^[\p{CWKCF}\p{DI}\p{White_Space}\p{NChar}]$/u,
  /^[\u0640\u07fa\u3031-\u3035\u303b]$|^[\u302e\u302f]$/,
  /^[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]$|^[\u20d0-\u20ff]$|^[\u{1d100}-\u{1d24f}]$/u,
]
const CONTEXTUAL = /^[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9]$|^\u200c$|^\u200d$/u

/** RFC 5892, appendix A. Joiners are left to Node, which knows their neighbours' kinds. */
function isAllowedHere(characters: readonly string[], at: number): boolean {
  const [before = '', character, after = ''] = [characters[at - 1], characters[at]!, characters[at + 1]] // `at` is within
  const has = (pattern: RegExp) => characters.some(other => pattern.test(other))
  switch (character) {
    case '\u200c':
    case '\u200d':
      return true
    case '\u00b7':
      return before === 'l' && after === 'l'
    case '\u0375':
      return /^\p{Script=Greek}$/u.test(after)
    case '\u05f3':
    case '\u05f4':
      return /^\p{Script=Hebrew}$/u.test(before)
    case '\u30fb':
      return has(/^[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]$/u)
  }
  if (/^[\u0660-\u0669]$/.test(character)) return !has(/^[\u06f0-\u06f9]$/)
  if (/^[\u06f0-\u06f9]$/.test(character)) return !has(/^[\u0660-\u0669]$/)
  return false
}

/** Python's `quote` in small letters, with `_` for `%`; a point stays, so that a name may span several levels. */
function legacyLabel(name: string): string {
  return percentEncode(name).toLowerCase().replaceAll('_', '%5f').replaceAll('~', '%7e').replaceAll('%', '_')
}
