import { createHash } from 'node:crypto'

/** Linux user names hold at most 32 characters. */
const LONGEST = 32
const DIGEST_LENGTH = 12

/**
 * The name of the Linux user made for an account. Ordinary names stay readable (`bob` is `jupyter-bob`); what is too
 * long or holds other characters than a-z, 0-9, `-` and `_` is shortened and gets a digest of the whole name. No plain
 * name ends like a digest, so a plain and a digested name never meet; two digested ones that did would be told apart
 * by the record of whom the user was made for.
 */
export function linuxNameOf(account: string, prefix: string): string {
  return prefix + safeName(account, LONGEST - prefix.length)
}

/** The same for a folder name, where servers of all accounts run as one user. */
export function folderNameOf(account: string): string {
  return safeName(account, 64)
}

function safeName(account: string, longest: number): string {
  const endsLikeDigest = new RegExp(`-[0-9a-f]{${DIGEST_LENGTH}}$`)
  const plain = /^[a-z0-9][a-z0-9_-]*$/.test(account) && account.length <= longest && !endsLikeDigest.test(account)
  if (plain) return account
  const digest = createHash('sha256').update(account).digest('hex').slice(0, DIGEST_LENGTH)
  const readable = account
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, longest - DIGEST_LENGTH - 1)
    .replace(/-+$/, '')
  return readable === '' ? `x-${digest}` : `${readable}-${digest}`
}
