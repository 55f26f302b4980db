import { HubError } from '../../core/errors.ts'
import { isValidUserName, printable } from '../../core/names.ts'

/** How names of users are brought into one form, and which of them may exist. */
export interface UserNames {
  /** Lower case, then the site's own map, as JupyterHub's `normalize_username` and `username_map`. */
  normalize(name: string): string
  isValid(name: string): boolean
  /** Throws 400 `invalid_user_name`. */
  check(name: string): void
}

/** Columns hold no more; JupyterHub on SQLite would store it and fail elsewhere. */
const MAX_LENGTH = 255

export function createUserNames(options: { pattern?: RegExp; map?: Readonly<Record<string, string>> } = {}): UserNames {
  const map = new Map(Object.entries(options.map ?? {}))
  const isValid = (name: string) =>
    isValidUserName(name, options.pattern) && [...name].length <= MAX_LENGTH && !hasControlCharacters(name)
  return {
    normalize(name) {
      const lower = name.toLowerCase()
      return map.get(lower) ?? lower
    },
    isValid,
    check(name) {
      if (!isValid(name)) {
        throw new HubError('invalid_user_name', { status: 400, message: `Invalid username: ${printable(name)}` })
      }
    },
  }
}

/** A name with a line break or a NUL in it breaks logs, headers and databases; no real name has one. */
function hasControlCharacters(name: string): boolean {
  return /\p{Cc}/u.test(name) || !name.isWellFormed()
}
