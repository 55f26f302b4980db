import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { limitConcurrency } from './limit-concurrency.ts'

/** What a hash costs: 2^ln * r * 128 bytes of memory, p times over (RFC 7914). */
export interface ScryptCost {
  readonly ln: number
  readonly r: number
  readonly p: number
}

/** 32 MiB, about a tenth of a second; the recommendation of OWASP for this much memory is p = 3. */
export const DEFAULT_COST: ScryptCost = { ln: 15, r: 8, p: 3 }

/** Turns passwords into texts to store, and compares. */
export interface PasswordHasher {
  /** `$scrypt$ln=15,r=8,p=3$salt$hash`, the PHC string format, base64 without padding. */
  hash(password: string): Promise<string>
  /**
   * `weak`: the password is right and should be hashed anew: the hash is bcrypt (NativeAuthenticator's) or costs less
   * than is asked for today. `stored` undefined (no such account) takes as long as a wrong password and is `wrong`.
   */
  verify(password: string, stored: string | undefined): Promise<'right' | 'weak' | 'wrong'>
}

/** A hash in use must not keep the file system and DNS waiting: both share four threads with scrypt. */
const HASHES_AT_ONCE = 2
const HASHES_WAITING = 200

export function passwordHasher(cost: ScryptCost = DEFAULT_COST): PasswordHasher {
  const limited = limitConcurrency(HASHES_AT_ONCE, HASHES_WAITING)
  const nobody: Parsed = { cost, salt: randomBytes(16), expected: randomBytes(32) }
  return { hash, verify }

  async function hash(password: string): Promise<string> {
    const salt = randomBytes(16)
    const derived = await limited(() => derive(password, salt, 32, cost))
    return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(derived)}`
  }

  async function verify(password: string, stored: string | undefined): Promise<'right' | 'weak' | 'wrong'> {
    if (stored !== undefined && /^\$2[aby]\$/.test(stored)) return verifyBcrypt(password, stored)
    const known = stored === undefined ? undefined : parse(stored)
    const { salt, expected, cost: itsCost } = known ?? nobody
    const derived = await limited(() => derive(password, salt, expected.length, itsCost))
    // HMAC, and with it scrypt, does not see zeros at the end; bcrypt stops at one.
    if (!timingSafeEqual(derived, expected) || !known || password.includes('\0')) return 'wrong'
    return isWeaker(itsCost, cost) ? 'weak' : 'right'
  }

  function verifyBcrypt(password: string, stored: string): Promise<'weak' | 'wrong'> {
    return limited(async () => {
      // Only accounts that NativeAuthenticator has left need it.
      const { default: bcrypt } = await import('bcryptjs')
      const right = await bcrypt.compare(password, stored)
      return right && !password.includes('\0') ? 'weak' : 'wrong'
    })
  }
}

interface Parsed {
  readonly cost: ScryptCost
  readonly salt: Buffer
  readonly expected: Buffer
}

function parse(stored: string): Parsed | undefined {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(stored)
  if (!match) return undefined
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number] // three groups of digits
  const expected = Buffer.from(match[5]!, 'base64')
  // Whoever can write into the table must not be able to take all memory.
  if (ln < 1 || ln > 20 || r < 1 || r > 32 || p < 1 || p > 16 || expected.length < 16) return undefined
  return { cost: { ln, r, p }, salt: Buffer.from(match[4]!, 'base64'), expected }
}

function isWeaker(a: ScryptCost, b: ScryptCost): boolean {
  return a.ln < b.ln || a.r < b.r || a.p < b.p
}

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

function derive(password: string, salt: Buffer, length: number, { ln, r, p }: ScryptCost): Promise<Buffer> {
  const memory = 128 * r * 2 ** ln
  // One password typed on two systems may be composed differently (RFC 8265 demands NFC).
  return scryptAsync(password.normalize('NFC'), salt, length, { N: 2 ** ln, r, p, maxmem: 2 * memory + 1024 * r * p })
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
