/** Findings of the doctor, put in the order in which they are read: what needs somebody first. */
import type { HealthFinding, HealthLevel, HealthReport } from '../../api/types.ts'
import { counted } from '../../lib/counted.ts'

export interface CheckedPart {
  readonly check: string
  readonly title: string
  /** The worst of its findings. */
  readonly level: HealthLevel
  readonly findings: readonly HealthFinding[]
}

const ORDER: readonly HealthLevel[] = ['failure', 'warning', 'skipped', 'ok']
const rank = ({ level }: { readonly level: HealthLevel }) => ORDER.indexOf(level)
/** What could not be looked at needs nobody: such a part stays in its place. */
const urgency = (part: CheckedPart) => Math.min(rank(part), ORDER.indexOf('skipped'))

export function checkedParts({ findings }: HealthReport): readonly CheckedPart[] {
  const parts = new Map<string, HealthFinding[]>()
  for (const finding of findings) parts.set(finding.check, [...(parts.get(finding.check) ?? []), finding])
  return [...parts]
    .map(([check, own]) => {
      const sorted = [...own].sort((a, b) => rank(a) - rank(b))
      return { check, title: own[0]!.title, level: sorted[0]!.level, findings: sorted } // no part is empty
    })
    .sort((a, b) => urgency(a) - urgency(b))
}

/** `2 failures and 1 warning.` What was not looked at is not said to be well. */
export function verdict({ counts: { failure, warning, skipped } }: HealthReport): string {
  const parts = [
    ...(failure > 0 ? [counted(failure, 'failure')] : []),
    ...(warning > 0 ? [counted(warning, 'warning')] : []),
  ]
  if (parts.length > 0) return `${parts.join(' and ')}.`
  return skipped > 0 ? `Nothing wrong was found; ${counted(skipped, 'thing')} could not be looked at.` : 'All is well.'
}
