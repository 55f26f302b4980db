import { createHash } from 'node:crypto'
import { isValidServerName } from './names.ts'

const LENGTH = 30
const HASH_LENGTH = 8

/** The nearest name that JupyterHub 6 allows for a server, of any other; not always another one for another name. */
export function safeSlug(name: string): string {
  return isSimple(name) ? name : extractSafeName(name, LENGTH)
}

/** The same with a hash of the name at its end, so that no other name becomes the same. */
export function uniqueSlug(name: string): string {
  if (isSimple(name)) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH)
  return `${extractSafeName(name, LENGTH - HASH_LENGTH - 1)}-${hash}`
}

function isSimple(name: string): boolean {
  return isValidServerName(name) && !name.includes('-')
}

/** Accents go, everything but letters and digits becomes one hyphen, a letter stands first. */
function extractSafeName(name: string, maxLength: number): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, maxLength)
  const lettered = plain === '' || /^[a-z]/.test(plain) ? plain : `x-${plain.slice(0, maxLength - 2)}`
  return lettered.replace(/-+$/, '') || 'x'
}
