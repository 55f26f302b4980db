/** Whether the public address leads to this hub at all, and with which certificate. */
import type { Echo } from '../../features/probe/echo.ts'
import { certificateAge } from '../certificate-age.ts'
import { failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import type { FrontAnswer, FrontClient } from './front-client.ts'

export interface Reached {
  readonly client: FrontClient
  readonly answer: FrontAnswer
  readonly echo: Echo
}

/** `reached` is undefined where nothing more can be tried. */
export async function reach(
  client: FrontClient,
  site: Site,
): Promise<{ outcomes: Outcome<'reach' | 'certificate'>[]; reached: Reached | undefined }> {
  const first = await client.ask('echo').catch((error: NodeJS.ErrnoException) => error)
  if (!(first instanceof Error)) return judged(client, first, site, [])
  if (!isAboutTls(first)) return { outcomes: [unreached(first, site)], reached: undefined }
  const told = untrusted(first, site)
  const trusting = client.trusting()
  const second = await trusting.ask('echo').catch((error: NodeJS.ErrnoException) => error)
  if (second instanceof Error) return { outcomes: [told], reached: undefined }
  return judged(trusting, second, site, [told])
}

function judged(client: FrontClient, answer: FrontAnswer, site: Site, told: Outcome<'certificate'>[]) {
  const { notAfter } = answer.certificate ?? {}
  const age =
    told.length === 0 && notAfter
      ? [
          certificateAge(
            'certificate',
            `The certificate of ${client.url.host}`,
            notAfter,
            site.now(),
            'Renew it where HTTPS ends.',
          ),
        ]
      : told
  const echo = echoIn(answer)
  if (!echo) return { outcomes: [elsewhere(client, answer, site), ...age], reached: undefined }
  return { outcomes: [ok('reach', `${client.url.href} leads to this hub.`), ...age], reached: { client, answer, echo } }
}

export function echoIn({ status, body }: FrontAnswer): Echo | undefined {
  if (status !== 200) return undefined
  try {
    const echo = JSON.parse(body.toString('utf8')) as Echo
    return typeof echo.pid === 'number' ? echo : undefined
  } catch {
    return undefined
  }
}

function elsewhere({ url }: FrontClient, { status, headers }: FrontAnswer, site: Site): Outcome<'reach'> {
  const details = { status }
  const to = headers.location
  if (to !== undefined) {
    const next = `Set publicUrl to the address that people end at, and pass on Host and path as they are.`
    return failure('reach', `${url.href} leads on to ${to} instead of to the hub.`, next, details)
  }
  if ([502, 503, 504].includes(status)) {
    if (site.supervisor === undefined && !site.inHub)
      return skipped('reach', 'Orrery does not run, and what stands in front says so.', 'Start Orrery and look again.')
    const next = `It has to connect to where the proxy listens: ${site.config.bindUrl}.`
    return failure(
      'reach',
      `What stands in front at ${url.host} does not reach Orrery (status ${status}).`,
      next,
      details,
    )
  }
  const next = `Does all of ${url.pathname} lead to this machine's proxy, with the path as it is (baseUrl is ${site.config.baseUrl})? A hub with another cookie secret, or of another version of Orrery, answers so too.`
  return failure('reach', `${url.href} leads to something else than this hub (status ${status}).`, next, details)
}

function unreached({ code = '', message }: NodeJS.ErrnoException, site: Site): Outcome<'reach'> {
  const { host, hostname } = new URL(site.publicUrl)
  const details = { code }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return failure(
      'reach',
      `The name ${hostname} is not known.`,
      'Make an entry in the DNS, or correct publicUrl.',
      details,
    )
  }
  if (code === 'ECONNREFUSED' && site.supervisor === undefined && !site.inHub) {
    return skipped('reach', `Nothing answers at ${host}, and Orrery does not run.`, 'Start Orrery and look again.')
  }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    const next =
      'Some networks lead no machine back to its own public address: try it from another one. Else look at the firewall.'
    return warning('reach', `${host} does not answer this machine (${code}).`, next, details)
  }
  return failure(
    'reach',
    `${host} does not answer: ${message || code}.`,
    'Does the web server in front run, and does it listen there?',
    details,
  )
}

/** Errors of OpenSSL's check of a chain have such codes, those of a handshake begin with ERR_ or EPROTO. */
function isAboutTls({ code = '' }: NodeJS.ErrnoException): boolean {
  return /CERT|SIGNATURE|ISSUER|^ERR_TLS|^ERR_SSL|EPROTO/.test(code)
}

function untrusted({ code = '', message }: NodeJS.ErrnoException, { config, publicUrl }: Site): Outcome<'certificate'> {
  const { hostname } = new URL(publicUrl)
  const details = { code }
  if (code === 'CERT_HAS_EXPIRED')
    return failure('certificate', `The certificate of ${hostname} has run out.`, 'Renew it where HTTPS ends.', details)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return failure(
      'certificate',
      `The certificate at ${hostname} is for another name.`,
      `Get one for ${hostname}.`,
      details,
    )
  }
  if (config.proxy.tls.selfSigned) {
    return warning(
      'certificate',
      'The certificate is self-signed, as the config says: browsers warn of it.',
      'Use ACME or a certificate of an authority, unless it is meant.',
      details,
    )
  }
  const next =
    'Serve the certificates between it and the authority too (the chain), or make the authority known to this machine and to browsers.'
  return failure('certificate', `The certificate of ${hostname} is not trusted here: ${message}.`, next, details)
}
