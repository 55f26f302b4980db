/** The certificates of hub and proxy on disk: `hub-internal/hub-internal.key` and `.crt`, as JupyterHub lays them out. */
import { X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../db/replace-file.ts'
import { COMPONENTS, type ComponentName } from './authorities.ts'
import { type Authority, authorityKeyMissing, matchingKey, readIfThere } from './authority-files.ts'
import { CERTIFICATE_DAYS, daysFrom, isDue } from './lifetimes.ts'
import { splitPem } from './material.ts'

export function componentPaths(folder: string, component: ComponentName): { key: string; cert: string } {
  const { name } = COMPONENTS[component]
  return { key: join(folder, name, `${name}.key`), cert: join(folder, name, `${name}.crt`) }
}

/** Undefined where there is none, or half of one. */
export function readComponent(folder: string, component: ComponentName): { key: string; cert: string } | undefined {
  const paths = componentPaths(folder, component)
  const cert = readIfThere(paths.cert)
  const [own] = splitPem(cert ?? '')
  const key = own && matchingKey(own, paths.key)
  return cert !== undefined && key !== undefined ? { key, cert } : undefined
}

/** Makes it anew where it is missing, runs out, lacks a name, or is not of this authority. Tells whether it did. */
export async function ensureComponent(
  folder: string,
  component: ComponentName,
  { authority, names, now, anew }: { authority: Authority; names: readonly string[]; now: Date; anew: boolean },
): Promise<boolean> {
  const wanted = [authority.cert, ...authority.chain]
  const present = readComponent(folder, component)
  if (present && !anew && isGood(present.cert, wanted, names, now)) return false
  if (authority.key === undefined) throw authorityKeyMissing(authority.name)
  const { issueCertificate } = await import('./make-certificate.ts')
  const { name, usages } = COMPONENTS[component]
  const issuer = { key: authority.key, cert: authority.cert }
  const request = { commonName: name, names, usages, notAfter: daysFrom(now, CERTIFICATE_DAYS) }
  const made = await issueCertificate(issuer, request, now)
  const paths = componentPaths(folder, component)
  mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
  await replaceFile(paths.key, made.key)
  await replaceFile(paths.cert, made.cert + authority.chain.join(''))
  return true
}

function isGood(text: string, [issuer = '', ...chain]: readonly string[], names: readonly string[], now: Date) {
  const [own = '', ...others] = splitPem(text)
  const cert = new X509Certificate(own)
  if (isDue(cert, now) || !cert.verify(new X509Certificate(issuer).publicKey)) return false
  return others.join('') === chain.join('') && names.every(name => bears(cert, name))
}

function bears(cert: X509Certificate, name: string): boolean {
  const value = name.slice(name.indexOf(':') + 1)
  return (name.startsWith('IP:') ? cert.checkIP(value) : cert.checkHost(value)) !== undefined
}
