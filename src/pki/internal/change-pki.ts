/**
 * Makes, renews and exchanges the authorities and certificates of internal TLS. One process at a time; readers need no
 * lock. A new authority gets a certificate of the former one, so that a running server, which knows the former one
 * alone, goes on to accept hub and proxy; the former one stays trusted until `retireFormer`.
 */
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../../core/errors.ts'
import type { Clock } from '../../core/runtime.ts'
import { tryLockFile } from '../../db/file-lock.ts'
import { replaceFile } from '../../db/replace-file.ts'
import { AUTHORITIES, type AuthorityName, COMPONENTS, type ComponentName, TRUST } from './authorities.ts'
import {
  type Authority,
  type AuthorityFiles,
  readAuthority,
  readIfThere,
  trustedRoots,
  writeAuthority,
} from './authority-files.ts'
import { ensureComponent } from './component-files.ts'
import { AUTHORITY_DAYS, daysFrom, isAuthorityDue } from './lifetimes.ts'

export interface PkiSettings {
  readonly folder: string
  /** Names of the hosts of hub and proxy: `DNS:hub.internal`, `IP:10.0.0.5`. */
  readonly names: Readonly<Record<ComponentName, readonly string[]>>
  /** Authorities of the site's own, in the place of ours. */
  readonly given: Readonly<Partial<Record<AuthorityName, AuthorityFiles>>>
  /** Components that somebody else gives certificates to. */
  readonly without?: readonly ComponentName[]
  readonly clock: Clock
}

/** What was changed, for the log. `replaced`: by one that the former authority does not vouch for. */
export interface PkiChange {
  readonly done: 'made' | 'renewed' | 'rotated' | 'replaced' | 'retired'
  readonly name: string
}

/** Makes what is missing and renews what runs out. Throws HubError `pki_file_unusable`, `pki_key_missing` or `pki_busy`. */
export function preparePki(settings: PkiSettings): Promise<PkiChange[]> {
  return changing(settings, () => bringUpToDate(settings, {}))
}

/** New certificates for hub and proxy from the authorities that there are. */
export function renewComponents(settings: PkiSettings): Promise<PkiChange[]> {
  return changing(settings, () => bringUpToDate(settings, { anew: true }))
}

/** New authorities in the place of these; the former ones stay trusted. */
export function rotateAuthorities(settings: PkiSettings, names: readonly AuthorityName[]): Promise<PkiChange[]> {
  return changing(settings, () => bringUpToDate(settings, { rotate: names }))
}

/** Trusts former authorities no longer. Servers and services that were started before the rotation cannot be reached then. */
export function retireFormer(settings: PkiSettings, names: readonly AuthorityName[]): Promise<PkiChange[]> {
  return changing(settings, async () => {
    const changes: PkiChange[] = []
    for (const name of names) {
      const present = settings.given[name] ? undefined : readAuthority(settings.folder, name)
      if (!present?.key || present.former.length + present.chain.length === 0) continue
      await writeAuthority(settings.folder, { ...present, key: present.key, chain: [], former: [] })
      changes.push({ done: 'retired', name })
    }
    return [...changes, ...(await bringUpToDate(settings, {}))]
  })
}

async function bringUpToDate(
  settings: PkiSettings,
  { anew = false, rotate = [] }: { anew?: boolean; rotate?: readonly AuthorityName[] },
): Promise<PkiChange[]> {
  const { folder, names, clock, without = [] } = settings
  const now = clock.now()
  const changes: PkiChange[] = []
  const authorities = new Map<AuthorityName, Authority>()
  for (const name of AUTHORITIES) {
    const { authority, done } = await ensureAuthority(settings, name, rotate.includes(name), now)
    authorities.set(name, authority)
    if (done) changes.push({ done, name })
  }
  for (const component of Object.keys(COMPONENTS) as ComponentName[]) {
    if (without.includes(component)) continue
    const authority = authorities.get(COMPONENTS[component].authority)!
    const made = await ensureComponent(folder, component, { authority, names: names[component], now, anew })
    if (made) changes.push({ done: 'renewed', name: COMPONENTS[component].name })
  }
  for (const name of AUTHORITIES) {
    const bundle = TRUST[name].map(trusted => trustedRoots(authorities.get(trusted)!)).join('')
    const file = bundlePath(folder, name)
    if (readIfThere(file) !== bundle) await replaceFile(file, bundle)
  }
  return changes
}

/** Everybody whom holders of this authority's certificates trust, in one file, under JupyterHub's name for it. */
export function bundlePath(folder: string, name: AuthorityName): string {
  return join(folder, `${name}_trust.crt`)
}

async function ensureAuthority(
  { folder, given }: PkiSettings,
  name: AuthorityName,
  rotate: boolean,
  now: Date,
): Promise<{ authority: Authority; done?: PkiChange['done'] }> {
  const present = readAuthority(folder, name, given[name])
  if (present && (given[name] || !present.key)) return { authority: present }
  const current = present && new X509Certificate(present.cert)
  if (present && !rotate && !isAuthorityDue(current!, now)) return { authority: present }
  const { makeAuthority, crossSign } = await import('./make-certificate.ts')
  // Two authorities of one name would be taken for each other.
  const commonName = `${name} ${now.toISOString().slice(0, 10)} ${randomBytes(4).toString('hex')}`
  const made = await makeAuthority(commonName, now, daysFrom(now, AUTHORITY_DAYS))
  const crossed = present?.key && (await crossSign({ key: present.key, cert: present.cert }, made.cert))
  const isCurrent = (pem: string) => new X509Certificate(pem).validToDate > now
  const authority = {
    name,
    key: made.key,
    cert: made.cert,
    chain: [...(crossed ? [crossed] : []), ...(crossed ? present!.chain : [])].filter(isCurrent),
    former: present ? [present.cert, ...present.former].filter(isCurrent) : [],
  }
  await writeAuthority(folder, authority)
  return { authority, done: crossed ? 'rotated' : present ? 'replaced' : 'made' }
}

const LOCK_WAIT_MS = 10_000
const LOCK_LOOK_MS = 100

async function changing<T>({ folder }: PkiSettings, change: () => Promise<T>): Promise<T> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return await alone(folder, change)
  } catch (cause) {
    const { code, path } = cause as NodeJS.ErrnoException // whatever it is, these may be looked for
    if (cause instanceof HubError || code === undefined || path === undefined) throw cause
    throw new HubError('pki_folder_unusable', {
      status: 500,
      message: `The folder ${folder} for the certificates of internal TLS cannot be used (${code} at ${path}).`,
      nextStep: 'Give it to the user that the hub runs as, or choose another with internalTls.folder.',
      cause,
    })
  }
}

async function alone<T>(folder: string, change: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + LOCK_WAIT_MS; ; ) {
    const lock = tryLockFile(join(folder, '.lock'))
    if (lock) return await change().finally(() => lock.release())
    if (performance.now() > deadline) throw busy(folder)
    await sleep(LOCK_LOOK_MS)
  }
}

function busy(folder: string): HubError {
  return new HubError('pki_busy', {
    status: 503,
    message: `Another process is changing the certificates in ${folder}.`,
    nextStep: 'Try again in a minute.',
  })
}
