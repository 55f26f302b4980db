/** What an administrator should know of the certificate that browsers see. */
import type { Certificate } from '../api/types.ts'

export interface CertificateState {
  readonly words: string
  /** Somebody should look at it. */
  readonly isAlarming: boolean
}

const DAY_MS = 86_400_000
const SOON_DAYS = 14

export function certificateState(
  { not_before: begin, not_after: end, fault }: Certificate,
  now: number,
): CertificateState {
  if (begin === null || end === null) return { words: `No certificate: ${fault ?? 'unknown'}`, isAlarming: true }
  const leftMs = Date.parse(end) - now
  if (leftMs <= 0) return { words: 'The certificate has expired', isAlarming: true }
  const days = Math.floor(leftMs / DAY_MS)
  const words = `Certificate for ${days === 1 ? '1 day' : `${days} days`} more`
  if (fault !== null) return { words: `${words}, not renewed: ${fault}`, isAlarming: true }
  // Those that live for days only are renewed when a third is left; a quarter is late for any.
  const isSoon = leftMs < Math.min(SOON_DAYS * DAY_MS, (Date.parse(end) - Date.parse(begin)) / 4)
  return { words, isAlarming: isSoon }
}
