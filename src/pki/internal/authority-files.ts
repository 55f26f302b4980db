/**
 * An authority on disk: `hub-ca/hub-ca.key` and `hub-ca/hub-ca.crt`, as JupyterHub lays them out, so that those of a
 * JupyterHub can be taken over. The second file holds the certificate itself, then the ones that former authorities gave
 * it, then the former authorities that are still trusted.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { HubError } from '../../core/errors.ts'
import { replaceFile } from '../../db/replace-file.ts'
import type { AuthorityName } from './authorities.ts'
import { splitPem } from './material.ts'

export interface Authority {
  readonly name: AuthorityName
  /** Undefined for one of somebody else's, which is trusted and signs nothing here. */
  readonly key: string | undefined
  readonly cert: string
  /** From its own certificate up to former authorities, newest first. */
  readonly chain: readonly string[]
  /** Still trusted, newest first. */
  readonly former: readonly string[]
}

/** Files of an authority that the site brings along. */
export interface AuthorityFiles {
  readonly cert: string
  readonly key?: string | undefined
  /** More certificates to trust with it. */
  readonly ca?: string | undefined
}

/** Undefined where there is none yet. Throws HubError `pki_file_unusable`. */
export function readAuthority(folder: string, name: AuthorityName, given?: AuthorityFiles): Authority | undefined {
  if (given) return readGiven(name, given)
  const { cert, key, nextKey } = pathsOf(folder, name)
  const text = readIfThere(cert)
  if (text === undefined) return undefined
  const [own, ...others] = splitPem(text)
  if (own === undefined) throw unusable(cert, 'holds no certificate')
  const pem = matchingKey(own, key) ?? finishSwap(own, nextKey, key)
  if (pem === undefined) throw unusable(key, 'is not the key of the certificate beside it')
  return {
    name,
    key: pem,
    cert: own,
    chain: others.filter(other => !isSelfSigned(other)),
    former: others.filter(isSelfSigned),
  }
}

/** Whoever looks meanwhile, after `kill -9` too, finds the one before or this one. */
export async function writeAuthority(folder: string, authority: Authority & { key: string }): Promise<void> {
  const { folder: own, cert, key, nextKey } = pathsOf(folder, authority.name)
  mkdirSync(own, { recursive: true, mode: 0o700 })
  await replaceFile(nextKey, authority.key)
  await replaceFile(cert, [authority.cert, ...authority.chain, ...authority.former].join(''))
  renameSync(nextKey, key)
}

export function authorityFile(
  folder: string,
  name: AuthorityName,
  given: Readonly<Partial<Record<AuthorityName, AuthorityFiles>>>,
): string {
  return given[name]?.cert ?? pathsOf(folder, name).cert
}

/** What whoever trusts this authority has to know: it, and the former ones. */
export function trustedRoots({ cert, former }: Authority): string {
  return [cert, ...former].join('')
}

export function authorityKeyMissing(name: AuthorityName): HubError {
  return new HubError('pki_key_missing', {
    status: 500,
    message: `The authority ${name} of internalTls.authorities has no key, so it cannot sign the certificate that is needed.`,
    nextStep: 'Give it a key, or leave it out: then the hub makes an authority of its own.',
  })
}

function pathsOf(folder: string, name: AuthorityName) {
  const own = join(folder, name)
  const key = join(own, `${name}.key`)
  return { folder: own, cert: join(own, `${name}.crt`), key, nextKey: `${key}.next` }
}

/** A process that died between the two files of a change left the new certificate and, beside it, the new key. */
function finishSwap(cert: string, nextKey: string, key: string): string | undefined {
  const pem = matchingKey(cert, nextKey)
  if (pem !== undefined) renameSync(nextKey, key)
  return pem
}

function readGiven(name: AuthorityName, { cert, key, ca }: AuthorityFiles): Authority {
  const certs = splitPem(read(cert))
  const [own, ...others] = certs
  if (own === undefined) throw unusable(cert, 'holds no certificate')
  const pem = key === undefined ? undefined : matchingKey(own, key)
  if (key !== undefined && pem === undefined) throw unusable(key, `is not the key of ${cert}`)
  const more = ca === undefined ? [] : splitPem(read(ca))
  return { name, key: pem, cert: own, chain: others, former: more.filter(each => each !== own) }
}

export function matchingKey(cert: string, file: string): string | undefined {
  const pem = readIfThere(file)
  if (pem === undefined) return undefined
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(pem)) ? pem : undefined
  } catch (cause) {
    throw unusable(file, 'cannot be read as a key', cause)
  }
}

function isSelfSigned(pem: string): boolean {
  const cert = new X509Certificate(pem)
  return cert.subject === cert.issuer
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, 'cannot be read', cause)
  }
}

function read(file: string): string {
  const text = readIfThere(file)
  if (text === undefined) throw unusable(file, 'is not there')
  return text
}

function unusable(file: string, why: string, cause?: unknown): HubError {
  return new HubError('pki_file_unusable', {
    status: 500,
    message: `${file} ${why}.`,
    nextStep:
      'Put the file back from a backup, or move its folder away to have a new authority made; then restart the servers.',
    cause,
  })
}
