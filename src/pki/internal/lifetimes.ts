/** How long certificates of internal TLS live, and when they are made anew. */
import type { X509Certificate } from 'node:crypto'

const DAY_MS = 86_400_000

/** Those of hub, proxy, servers and services. A server keeps its own for as long as it runs. */
export const CERTIFICATE_DAYS = 730
export const AUTHORITY_DAYS = 3650

/** Certificates begin before they are made: clocks of other machines may be behind. */
export const BACKDATED_MS = 3600_000

export function daysFrom(now: Date, days: number): Date {
  return new Date(now.getTime() + days * DAY_MS)
}

/** A third of its life is left, or less. */
export function isDue(cert: X509Certificate, now: Date): boolean {
  const [begin, end] = [cert.validFromDate.getTime(), cert.validToDate.getTime()]
  return end - now.getTime() <= (end - begin) / 3
}

/** It would end before a certificate that it signs today. */
export function isAuthorityDue(cert: X509Certificate, now: Date): boolean {
  return cert.validToDate < daysFrom(now, CERTIFICATE_DAYS)
}
