import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Longer texts are no tokens; they are refused before they cost a hash. As JupyterHub. */
export const MAX_TOKEN_LENGTH = 64
const MIN_TOKEN_LENGTH = 8
const PREFIX_LENGTH = 4
const ALGORITHM = 'sha512'
const ROUNDS_PER_UPDATE = 512
/** For secrets that people chose; generated ones have entropy enough for one round. */
export const CHOSEN_TOKEN_ROUNDS = 16_384

/** How a token is stored: `hashed` is `algorithm:rounds:salt:hex digest`, `prefix` what it is found by. */
export interface HashedToken {
  readonly prefix: string
  readonly hashed: string
}

/** A new random token: 32 hexadecimal digits, as JupyterHub's. */
export function newToken(): string {
  return randomBytes(16).toString('hex')
}

/** Hashes a token as JupyterHub's `orm.Hashed` does. `rounds`: 1 for generated tokens, more for chosen ones. */
export function hashToken(token: string, options: { rounds?: number } = {}): HashedToken {
  const rounds = options.rounds ?? 1
  const salt = randomBytes(8).toString('hex')
  return {
    prefix: tokenPrefix(token),
    hashed: `${ALGORITHM}:${rounds}:${salt}:${digest(ALGORITHM, rounds, salt, token)}`,
  }
}

export function tokenPrefix(token: string): string {
  return token.slice(0, PREFIX_LENGTH)
}

/** Is a token given from outside (in the configuration, say) fit to be one? */
export function isAcceptableToken(token: string): boolean {
  return token.length >= MIN_TOKEN_LENGTH && token.length <= MAX_TOKEN_LENGTH && !/\s/.test(token)
}

/** Compares in constant time. A hash that cannot be read matches nothing. */
export function verifyToken(hashed: string, token: string): boolean {
  if (token.length > MAX_TOKEN_LENGTH) return false
  const [algorithm, roundsText, salt, expected, ...rest] = hashed.split(':')
  const rounds = Number(roundsText)
  if (!algorithm || salt === undefined || !expected || rest.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1)
    return false
  try {
    return sameText(expected, digest(algorithm, rounds, salt, token))
  } catch {
    return false // an algorithm this OpenSSL does not know
  }
}

/** Compares two texts without telling by time where they differ. */
export function sameText(a: string, b: string): boolean {
  const bytesA = Buffer.from(a)
  const bytesB = Buffer.from(b)
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB)
}

/** The token is hashed `rounds` times in a row; in pieces, because a call for each round costs more than the hashing. */
function digest(algorithm: string, rounds: number, salt: string, token: string): string {
  if (rounds === 1) return hash(algorithm, salt + token, 'hex')
  const hashing = createHash(algorithm).update(salt)
  for (let left = rounds; left > 0; left -= ROUNDS_PER_UPDATE) {
    hashing.update(token.repeat(Math.min(left, ROUNDS_PER_UPDATE)))
  }
  return hashing.digest('hex')
}
