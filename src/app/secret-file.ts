import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { HubError } from '../core/errors.ts'
import type { Owner } from './data-folder.ts'

const BYTES = 32

/** The text of a secret file, which is made where there is none: 64 hexadecimal digits, as JupyterHub writes it. */
export function ensureSecretFile(path: string, owner?: Owner): string {
  if (!existsSync(path)) {
    // Written beside and renamed: a process that dies half-way leaves no half a key.
    const fresh = `${path}.new`
    writeFileSync(fresh, `${randomBytes(BYTES).toString('hex')}\n`, { mode: 0o600 })
    chmodSync(fresh, 0o600)
    if (owner) chownSync(fresh, owner.uid, owner.gid)
    renameSync(fresh, path)
  }
  return readSecretFile(path)
}

/** Throws HubError `secret_file_unsafe` when it cannot be read, or when everybody can. */
export function readSecretFile(path: string): string {
  let text: string
  try {
    if ((statSync(path).mode & 0o007) !== 0) throw unsafe(`${path} can be read by everybody.`, `chmod o-rwx ${path}`)
    text = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    if (cause instanceof HubError) throw cause
    const { code } = cause as NodeJS.ErrnoException // fs throws system errors
    throw unsafe(`${path} cannot be read (${code}).`, 'It must belong to the user that the hub runs as.', cause)
  }
  if (text === '') throw unsafe(`${path} is empty.`, 'Remove it to have a new one made.')
  return text
}

function unsafe(message: string, nextStep: string, cause?: unknown): HubError {
  return new HubError('secret_file_unsafe', { status: 500, message, nextStep, cause })
}
