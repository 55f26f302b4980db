/** What is asked of an authority that speaks ACME (RFC 8555). */
import { createHash } from 'node:crypto'

export const CHALLENGES = ['http-01', 'tls-alpn-01'] as const
export type Challenge = (typeof CHALLENGES)[number]

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'
/** Certificates that no browser trusts, and limits that nobody reaches: for trials. */
export const LETS_ENCRYPT_STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory'

export interface AcmeSettings {
  /** Folder for the account's key, the certificate and what goes on meanwhile. */
  readonly folder: string
  /** Host names of the certificate; at least one. */
  readonly names: readonly string[]
  readonly directoryUrl: string
  /** How to show that the names lead here: a file over HTTP on port 80, or a certificate of its own on port 443. */
  readonly challenge: Challenge
  /** Where the authority may write to. */
  readonly email?: string | undefined
  /** Authorities (PEM file) that the certificate of the directory may come from, besides the usual ones. */
  readonly caFile?: string | undefined
  /** The account at the authority to which this one shall belong (RFC 8555, 7.3.4). */
  readonly externalAccount?: { readonly keyId: string; readonly hmacKey: string } | undefined
}

/** The account is one for each authority; certificate and failures belong to one set of names there. */
export function acmeFileNames({ directoryUrl, names }: AcmeSettings) {
  const host = new URL(directoryUrl).hostname
  const account = `${host}-${digest(directoryUrl)}`
  const order = `${host}-${digest(JSON.stringify([directoryUrl, [...names].sort()]))}`
  return {
    account: `account-${account}.pem`,
    certificate: `certificate-${order}.pem`,
    failures: `failures-${order}.json`,
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
