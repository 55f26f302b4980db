import { isIP } from 'node:net'
import { join } from 'node:path'
import { pkiSettings } from '../../app/internal-tls.ts'
import { publicTlsFlags } from '../../app/public-tls.ts'
import { speaksTls } from '../../config/speaks-tls.ts'
import { LETS_ENCRYPT, LETS_ENCRYPT_STAGING } from '../../pki/acme/settings.ts'
import { listCertificates } from '../../pki/internal/list-certificates.ts'
import { loadCertificateFiles } from '../../proxy/tls/certificate-files.ts'
import { readCertificateReport } from '../../proxy/tls/certificate-report.ts'
import { certificateAge } from '../certificate-age.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'

type Item = 'public' | 'names' | 'internal'

export const certificatesCheck = defineCheck({
  id: 'certificates',
  title: 'Certificates',
  items: {
    public: 'The certificate of the proxy (files, ACME, self-signed): there, with its key, not about to run out.',
    names: 'It is for the host of the public address.',
    internal: 'Internal TLS: authorities and certificates of the parts are not about to run out.',
  },
  async run(site) {
    return [...(await publicCertificate(site)), ...internal(site)]
  },
})

async function publicCertificate(site: Site): Promise<Outcome<Item>[]> {
  const { tls } = site.config.proxy
  if (!speaksTls(tls)) return []
  if (!mayLook(site)) return [skipped('public', 'The certificate cannot be read from this account.', AS_ROOT)]
  if (tls.key !== undefined && tls.cert !== undefined) {
    const { key, cert, keyPassphrase: passphrase } = tls
    // Throws where the key is not that of the certificate.
    const { facts } = loadCertificateFiles({ key, cert, ...(passphrase !== undefined && { passphrase }) })
    return [
      certificateAge(
        'public',
        `The certificate ${cert}`,
        facts.notAfter,
        site.now(),
        `Put a new one in ${cert}; it is taken over without a restart.`,
      ),
      covers(facts.names, new URL(site.publicUrl).hostname),
    ]
  }
  const flags = publicTlsFlags(site.config)
  const folder = 'sslFolder' in flags ? flags.sslFolder : join(site.paths.hub, 'tls')
  const names = 'sslName' in flags ? flags.sslName : []
  const { acme } = tls
  const directoryUrl = acme.directory ?? (acme.staging ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT)
  const kept = tls.selfSigned
    ? ({ kind: 'self-signed', folder, names } as const)
    : ({ kind: 'acme', folder, names, directoryUrl } as const)
  const report = await readCertificateReport(kept as Parameters<typeof readCertificateReport>[0]) // what it reads is there
  if (report.not_after === null) {
    if (site.supervisor === undefined)
      return [skipped('public', 'There is no certificate yet.', 'The proxy makes or gets it when it starts.')]
    return [
      failure(
        'public',
        `There is no certificate: ${report.fault}.`,
        'See the page Serve HTTPS: ports 80 and 443 must be reached from outside for ACME.',
      ),
    ]
  }
  const outcomes: Outcome<Item>[] = [
    certificateAge(
      'public',
      `The ${report.kind} certificate`,
      new Date(report.not_after),
      site.now(),
      'Restart Orrery, and look into log/proxy.log.',
    ),
    covers(report.names, new URL(site.publicUrl).hostname),
  ]
  if (report.fault !== null)
    outcomes.push(
      warning(
        'public',
        `The last try to renew it failed: ${report.fault}.`,
        'It is tried again by itself; see the page Serve HTTPS.',
      ),
    )
  return outcomes
}

function covers(names: readonly string[], hostname: string): Outcome<'names'> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const fits = names.some(
    name => name === host || (name.startsWith('*.') && isIP(host) === 0 && host.replace(/^[^.]+/, '*') === name),
  )
  if (fits) return ok('names', `The certificate is for ${host}.`, { names })
  return failure(
    'names',
    `The certificate is for ${names.join(', ') || 'no name'}, and people type ${host}.`,
    `Get one for ${host}, or correct publicUrl.`,
    { names },
  )
}

function internal(site: Site): Outcome<'internal'>[] {
  const settings = pkiSettings(site.config)
  if (!settings) return []
  if (!mayLook(site))
    return [skipped('internal', 'The certificates of the parts cannot be read from this account.', AS_ROOT)]
  const certificates = listCertificates(settings)
  if (certificates.length === 0)
    return [skipped('internal', 'There are no certificates of the parts yet.', 'The first start makes them.')]
  const first = certificates.filter(({ kind }) => kind !== 'former').reduce((a, b) => (b.notAfter < a.notAfter ? b : a))
  const next = 'Certificates are renewed by a running hub; authorities by: orrery pki renew.'
  return [
    certificateAge(
      'internal',
      `Of ${certificates.length} certificates of the parts, ${first.name}`,
      first.notAfter,
      site.now(),
      next,
    ),
  ]
}

/** What is the hub's can be read by the hub and by root. Before the first start it is nobody's: whoever asks will own it. */
function mayLook({ isRoot, hubOwner, inHub }: Site): boolean {
  return isRoot || inHub || hubOwner === undefined || hubOwner.uid === process.getuid?.()
}
