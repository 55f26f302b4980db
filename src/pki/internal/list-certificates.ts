/** What `orrery pki list` shows: every authority and certificate, with how long it is good for. */
import { X509Certificate } from 'node:crypto'
import { AUTHORITIES, COMPONENTS, type ComponentName } from './authorities.ts'
import { readAuthority } from './authority-files.ts'
import type { PkiSettings } from './change-pki.ts'
import { readComponent } from './component-files.ts'
import { BACKDATED_MS } from './lifetimes.ts'

export interface ListedCertificate {
  /** `former`: still trusted, signs nothing any more. `given`: the site's own. */
  readonly kind: 'authority' | 'given' | 'former' | 'certificate'
  readonly name: string
  readonly subject: string
  /** Names of hosts; empty for authorities. */
  readonly names: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-256, as browsers and `openssl x509 -fingerprint` write it. */
  readonly fingerprint: string
}

/** Without those of servers, which only the servers themselves keep. */
export function listCertificates({ folder, given }: PkiSettings): ListedCertificate[] {
  const authorities = AUTHORITIES.flatMap(name => {
    const authority = readAuthority(folder, name, given[name])
    if (!authority) return []
    const own = listed(given[name] ? 'given' : 'authority', name, authority.cert)
    return [own, ...authority.former.map(pem => listed('former', name, pem))]
  })
  const components = (Object.keys(COMPONENTS) as ComponentName[]).flatMap(component => {
    const present = readComponent(folder, component)
    return present ? [listed('certificate', COMPONENTS[component].name, present.cert)] : []
  })
  return [...authorities, ...components]
}

/** When the youngest authority took the place of a former one that is still trusted; undefined when there is none. */
export function lastRotation(certificates: readonly ListedCertificate[]): Date | undefined {
  const former = new Set(certificates.filter(({ kind }) => kind === 'former').map(({ name }) => name))
  const begun = certificates
    .filter(({ kind, name }) => kind === 'authority' && former.has(name))
    .map(({ notBefore }) => notBefore.getTime() + BACKDATED_MS)
  return begun.length === 0 ? undefined : new Date(Math.max(...begun))
}

function listed(kind: ListedCertificate['kind'], name: string, pem: string): ListedCertificate {
  const cert = new X509Certificate(pem)
  return {
    kind,
    name,
    subject: cert.subject.replaceAll('\n', ', '),
    names: (cert.subjectAltName ?? '').split(', ').filter(text => text !== ''),
    notBefore: cert.validFromDate,
    notAfter: cert.validToDate,
    fingerprint: cert.fingerprint256,
  }
}
