/** Certificates for single servers and services, made when they start. */
import { X509Certificate } from 'node:crypto'
import { HubError } from '../../core/errors.ts'
import { escapePathSegment } from '../../core/names.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { type AuthorityName, TRUST, type Usage } from './authorities.ts'
import { type Authority, authorityKeyMissing, readAuthority, trustedRoots } from './authority-files.ts'
import { type PkiSettings, preparePki } from './change-pki.ts'
import { CERTIFICATE_DAYS, daysFrom, isAuthorityDue } from './lifetimes.ts'
import type { TlsMaterial } from './material.ts'

export interface Holder {
  readonly authority: AuthorityName
  readonly commonName: string
  readonly names: readonly string[]
  readonly identity?: string | undefined
  readonly usages?: readonly Usage[]
}

/**
 * An authority that would run out first is exchanged, unless `exchange` is false: then the certificate ends with it.
 * Throws HubError `pki_file_unusable` or `pki_key_missing`.
 */
export async function issueFor(
  settings: PkiSettings,
  holder: Holder,
  { exchange = true }: { exchange?: boolean } = {},
): Promise<TlsMaterial> {
  const { clock } = settings
  const authority = await (exchange ? lastingAuthority : getAuthority)(settings, holder.authority)
  if (authority.key === undefined) throw authorityKeyMissing(authority.name)
  const { issueCertificate } = await import('./make-certificate.ts')
  const now = clock.now()
  const made = await issueCertificate(
    { key: authority.key, cert: authority.cert },
    { usages: ['server', 'client'], ...holder, notAfter: daysFrom(now, CERTIFICATE_DAYS) },
    now,
  )
  const trusted = TRUST[holder.authority].map(name => trustedRoots(getAuthority(settings, name)))
  return { key: made.key, cert: made.cert + authority.chain.join(''), ca: trusted.join('') }
}

async function lastingAuthority(settings: PkiSettings, name: AuthorityName): Promise<Authority> {
  const authority = getAuthority(settings, name)
  if (settings.given[name] || !isAuthorityDue(new X509Certificate(authority.cert), settings.clock.now()))
    return authority
  await preparePki(settings)
  return getAuthority(settings, name)
}

/** There after `preparePki`. */
export function getAuthority({ folder, given }: Pick<PkiSettings, 'folder' | 'given'>, name: AuthorityName): Authority {
  const authority = readAuthority(folder, name, given[name])
  if (!authority) throw notPrepared(folder, name)
  return authority
}

function notPrepared(folder: string, name: AuthorityName): HubError {
  return new HubError('pki_file_unusable', {
    status: 500,
    message: `There is no authority ${name} in ${folder}.`,
    nextStep: 'Make what is missing: orrery pki prepare.',
  })
}

/** Names one server among all, whatever its host: `urn:orrery:server:alice/gpu`. */
export function serverIdentity({ user, server }: ServerKey): string {
  return `urn:orrery:server:${escapePathSegment(user)}/${escapePathSegment(server)}`
}

/** JupyterHub's name for the certificate of a server. */
export function serverCommonName({ user }: ServerKey): string {
  return `user-${user}`
}
