/**
 * TLS of the public side: the certificate wherever it comes from, always the newest one, for connections that come from
 * then on; those that are there go on as they are.
 */
import { randomBytes } from 'node:crypto'
import type { Server, TLSSocket, TlsOptions } from 'node:tls'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import type { AcmeSettings } from '../../pki/acme/settings.ts'
import { type CertificateFacts, renewalTime } from '../../pki/key-pair.ts'
import { type AcmeSource, acmeCertificate } from './acme-certificate.ts'
import { type CertificateFiles, certificateFromFiles } from './certificate-files.ts'
import type { CertificateChanged, CertificateSource } from './certificate-source.ts'
import { type SelfSignedSettings, selfSignedCertificate } from './self-signed-certificate.ts'
import { modernTls } from './tls-defaults.ts'

export type CertificateSettings =
  | { readonly kind: 'files'; readonly files: CertificateFiles }
  | ({ readonly kind: 'self-signed' } & SelfSignedSettings)
  | ({ readonly kind: 'acme' } & AcmeSettings)

export interface CertificateStatus extends CertificateFacts {
  readonly kind: CertificateSource['kind']
  /** Why it has not been replaced although it should have been; undefined when all is well. */
  readonly fault: string | undefined
}

export interface PublicTls {
  /** For `https.createServer` or `tls.createServer`. */
  readonly serverOptions: TlsOptions
  /** From now on the server shows the newest certificate. */
  attach(server: Server): void
  /** The public ports listen: an authority may ask. */
  begin(): void
  /** What an authority wants to read at `/.well-known/acme-challenge/<token>`. */
  findHttpChallenge(token: string): Promise<string | undefined>
  readonly status: CertificateStatus
  /** Looks for a newer certificate now (SIGHUP). */
  reload(): Promise<void>
  close(): Promise<void>
}

/** RFC 8737: spoken by authorities alone. */
const ACME_PROTOCOL = 'acme-tls/1'
/** Whoever gets at the memory of the proxy can read resumed sessions of so long before. */
const TICKET_KEYS_LIVE_MS = 12 * 3_600_000
const DAY_MS = 86_400_000
const LOOK_AT_EXPIRY_MS = 12 * 3_600_000

/**
 * @param protocols of ALPN, the preferred one first
 * @param extra ciphers, versions, certificates of clients: what wins over the defaults
 * Throws HubError `certificate_unusable`.
 */
export async function openPublicTls(
  settings: CertificateSettings,
  protocols: readonly string[],
  extra: TlsOptions,
  log: Logger,
): Promise<PublicTls> {
  const servers = new Set<Server>()
  let ticketKeys = randomBytes(48)
  const renew = () => {
    if (servers.size === 0) return // still being made
    tellOfExpiry(status(), log)
    for (const server of servers) server.setSecureContext(contextOptions())
  }
  const source = await openSource(settings, renew, log)
  const challenges = isAcme(source) ? source.challenges : undefined

  const contextOptions = () => ({ ...withDefaults(extra), ...withoutUndefined(source.context), ticketKeys })
  const status = (): CertificateStatus => ({ kind: source.kind, ...source.facts, fault: source.fault })

  const ticketTimer = setInterval(() => {
    ticketKeys = randomBytes(48)
    for (const server of servers) server.setTicketKeys(ticketKeys)
  }, TICKET_KEYS_LIVE_MS).unref()
  const expiryTimer = setInterval(() => tellOfExpiry(status(), log), LOOK_AT_EXPIRY_MS).unref()

  function chooseProtocol(this: unknown, offer: { servername: string; protocols: string[] }): string | undefined {
    if (challenges && offer.protocols.includes(ACME_PROTOCOL)) {
      const pair = challenges.findAlpn(offer.servername)
      if (!pair)
        return undefined
        // Node calls it on the socket of the handshake, of which its types say nothing.
      ;(this as TLSSocket).setKeyCert(pair)
      return ACME_PROTOCOL
    }
    return protocols.find(protocol => offer.protocols.includes(protocol))
  }

  return {
    serverOptions: { ...contextOptions(), ALPNCallback: chooseProtocol },
    attach(server) {
      servers.add(server)
      server.once('close', () => servers.delete(server))
    },
    begin() {
      tellOfExpiry(status(), log)
      if (isAcme(source)) source.begin()
    },
    findHttpChallenge: async token => challenges?.findHttp(token),
    get status() {
      return status()
    },
    reload: source.reload,
    async close() {
      clearInterval(ticketTimer)
      clearInterval(expiryTimer)
      await source.close()
    },
  }
}

async function openSource(
  settings: CertificateSettings,
  changed: CertificateChanged,
  log: Logger,
): Promise<CertificateSource> {
  if (settings.kind === 'files') return certificateFromFiles(settings.files, changed, log)
  try {
    return settings.kind === 'acme'
      ? await acmeCertificate(settings, changed, log)
      : await selfSignedCertificate(settings, changed, log)
  } catch (cause) {
    throw new HubError('certificate_unusable', {
      status: 500,
      message: `No certificate can be kept in ${settings.folder}: ${(cause as Error).message}.`, // of the system
      nextStep: 'Let the proxy write to that folder, or name another one.',
      cause,
    })
  }
}

function isAcme(source: CertificateSource): source is AcmeSource {
  return source.kind === 'acme'
}

/** A named protocol version excludes a lowest one. */
function withDefaults(extra: TlsOptions): TlsOptions {
  const { minVersion, ...rest } = modernTls
  return { ...rest, ...(extra.secureProtocol === undefined && { minVersion }), ...withoutUndefined(extra) }
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T // the same, less what is not there
}

/** A word in time: two weeks before the end, or when renewal has been due for a while. */
function tellOfExpiry({ kind, names, notBefore, notAfter, fault }: CertificateStatus, log: Logger): void {
  const leftMs = notAfter.getTime() - Date.now()
  const facts = { kind, names, notAfter, ...(fault !== undefined && { fault }) }
  if (leftMs <= 0) log.error(facts, 'certificate has expired')
  else if (leftMs < warningMs({ notBefore, notAfter })) log.warn(facts, 'certificate expires soon')
}

/** How long before the end somebody should know. */
export function warningMs(facts: Pick<CertificateFacts, 'notBefore' | 'notAfter'>): number {
  const renewalMs = facts.notAfter.getTime() - renewalTime(facts).getTime()
  return Math.min(14 * DAY_MS, renewalMs * 0.75)
}
