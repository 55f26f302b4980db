/** Findings as programs read them, the same from `orrery doctor --json` and from the REST API. */
import type { Finding, Level } from '../../core/finding.ts'

/** Names and meanings of fields stay; more may come. */
export interface Report {
  /** Version of Orrery that looked. */
  readonly version: string
  /** ISO 8601. */
  readonly at: string
  /** No failure among the findings. */
  readonly ok: boolean
  readonly counts: Readonly<Record<Level, number>>
  readonly findings: readonly ReportedFinding[]
}

export interface ReportedFinding {
  readonly check: string
  /** Of the check. */
  readonly title: string
  readonly item: string
  readonly level: Level
  readonly message: string
  readonly next_step: string | null
  readonly details: Readonly<Record<string, unknown>>
}

export function reportOf(findings: readonly Finding[], { version, at }: { version: string; at: Date }): Report {
  const count = (level: Level) => findings.filter(finding => finding.level === level).length
  return {
    version,
    at: at.toISOString(),
    ok: count('failure') === 0,
    counts: { ok: count('ok'), skipped: count('skipped'), warning: count('warning'), failure: count('failure') },
    findings: findings.map(({ check, title, item, level, message, nextStep, details }) => ({
      check,
      title,
      item,
      level,
      message,
      next_step: nextStep ?? null,
      details: details ?? {},
    })),
  }
}
