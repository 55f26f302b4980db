/** What `orrery doctor` finds, as the hub sees it: each line with a word, what to do below it. */
import { useEffect } from 'react'
import { useExamine, useHealth } from '../../api/queries.ts'
import type { HealthFinding, HealthLevel, HealthReport } from '../../api/types.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { type CheckedPart, checkedParts, verdict } from './findings.ts'

const words: Readonly<Record<HealthLevel, string>> = {
  ok: 'OK',
  skipped: 'Not looked at',
  warning: 'Warning',
  failure: 'Failure',
}

const icons: Readonly<Record<HealthLevel, IconName>> = {
  ok: 'done',
  skipped: 'info',
  warning: 'failed',
  failure: 'close',
}

export function HealthPage() {
  const health = useHealth()
  const examine = useExamine()
  const { mutate, isPending } = examine
  const isNew = health.data === null
  useEffect(() => {
    if (isNew) mutate()
  }, [isNew, mutate])
  const error = examine.error ?? health.error
  return (
    <>
      <div className="health-head">
        <p role="status">
          {isPending ? 'Looking at everything …' : health.data ? <Verdict report={health.data} /> : ''}
        </p>
        <button type="button" className="button" disabled={isPending} onClick={() => mutate()}>
          Look again
        </button>
      </div>
      {error && <ErrorNotice error={error} retry={() => mutate()} />}
      {health.data && checkedParts(health.data).map(part => <Part key={part.check} part={part} />)}
      {health.data && health.data.counts.skipped > 0 && (
        <p className="muted">
          The hub cannot look at everything as its own user: run <code>orrery doctor</code> as root for the rest.
        </p>
      )}
    </>
  )
}

function Verdict({ report }: { report: HealthReport }) {
  return (
    <>
      <strong>{verdict(report)}</strong>{' '}
      <span className="muted">
        Looked at <TimeAgo at={report.at} />
      </span>
    </>
  )
}

function Part({ part: { check, title, findings } }: { part: CheckedPart }) {
  return (
    <section className="card health-part" aria-labelledby={`health-${check}`}>
      <h2 id={`health-${check}`}>{title}</h2>
      <ul>
        {findings.map((finding, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: several findings may be of one item, and their order stays
          <Line key={`${finding.item} ${at}`} finding={finding} />
        ))}
      </ul>
    </section>
  )
}

function Line({ finding: { level, message, next_step } }: { finding: HealthFinding }) {
  return (
    <li className={`health-line health-${level}`}>
      <span className="health-level">
        <Icon name={icons[level]} /> {words[level]}
      </span>
      <div>
        <p>{message}</p>
        {next_step && <p className="muted">{next_step}</p>}
      </div>
    </li>
  )
}
