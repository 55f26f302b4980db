/** What the machine uses: now, and over the last day. */
import { bytesWords, coreWords, memoryWords } from '../../../../src/core/for-browsers/usage-words.ts'
import { useMachine } from '../../api/queries.ts'
import type { Machine } from '../../api/types.ts'
import { counted, listed } from '../../lib/counted.ts'
import { Icon } from '../parts/icon.tsx'
import { ErrorNotice } from '../parts/notice.tsx'
import { DayChart } from './day-chart.tsx'

/** One for each five minutes. */
const POINTS = 288
const NOW_EVERY_MS = 10_000
const DAY_EVERY_MS = 60_000

export function MachinePage() {
  const now = useMachine(0, NOW_EVERY_MS)
  const day = useMachine(POINTS, DAY_EVERY_MS)
  const error = now.error ?? day.error
  return (
    <>
      {error && (
        <ErrorNotice
          error={error}
          retry={() => {
            void now.refetch()
            void day.refetch()
          }}
        />
      )}
      {now.data && <Now machine={now.data.now} />}
      {now.data && now.data.now.disks.length > 0 && <Disks disks={now.data.now.disks} />}
      {day.data && <Day machine={day.data} at={new Date(day.dataUpdatedAt)} />}
    </>
  )
}

function Now({ machine }: { machine: Machine['now'] }) {
  const { cpu, processors, load, servers } = machine
  return (
    <dl className="figures">
      <div className="card">
        <dt>Processor</dt>
        <dd>{cpu === null ? 'In a moment' : coreWords(cpu, processors)}</dd>
        <dd className="muted">load {load.toFixed(2)} over the last minute</dd>
      </div>
      <div className="card">
        <dt>Memory</dt>
        <dd>{memoryWords({ memoryBytes: machine.memory_bytes, memoryLimitBytes: machine.memory_total_bytes })}</dd>
        <dd className="muted">
          {bytesWords(Math.max(0, machine.memory_total_bytes - machine.memory_bytes))} free, with caches
        </dd>
      </div>
      <div className="card">
        <dt>Servers</dt>
        <dd>{counted(servers, 'server')}</dd>
        <dd className="muted">running now</dd>
      </div>
    </dl>
  )
}

/** From here on words and an icon say so. */
const NEARLY_FULL = 0.9

function Disks({ disks }: { disks: Machine['now']['disks'] }) {
  return (
    <section className="card disks" aria-label="Disks">
      <h2>Disks</h2>
      {disks.map(({ holds, used_bytes, total_bytes }) => {
        const share = total_bytes > 0 ? used_bytes / total_bytes : 1
        const name = listed(holds)
        return (
          <div className="disk" key={name}>
            <p>
              {capital(name)}: {bytesWords(total_bytes - used_bytes)} free of {bytesWords(total_bytes)},{' '}
              {Math.round(share * 100)} % full
            </p>
            <meter
              aria-label={capital(name)}
              min={0}
              max={100}
              high={NEARLY_FULL * 100}
              value={Math.round(share * 100)}
            />
            {share > NEARLY_FULL && (
              <p className="near-limit">
                <Icon name="failed" /> Nearly full: make room before servers fail to start or to save.
              </p>
            )}
          </div>
        )
      })}
    </section>
  )
}

function Day({ machine: { now, day }, at }: { machine: Machine; at: Date }) {
  if (day.length < 2) {
    return (
      <div className="card empty" role="status">
        <p>The last day is not known yet.</p>
        <p className="muted">The machine is looked at once a minute from the first start on: come back in a while.</p>
      </div>
    )
  }
  const points = (of: (figures: Machine['day'][number]) => number) =>
    day.map(figures => ({ at: new Date(figures.at), value: of(figures) }))
  const servers = points(figures => figures.servers)
  const most = Math.max(4, ...servers.map(({ value }) => value))
  return (
    <section className="card" aria-label="The last day">
      <h2>The last day</h2>
      <DayChart
        title="Processor"
        points={points(({ cpu }) => cpu)}
        now={at}
        highest={now.processors}
        words={cpu => `${short(cpu)} of ${counted(now.processors, 'core')}`}
        rangeWords={(least, most) => `between ${short(least)} and ${short(most)} of ${counted(now.processors, 'core')}`}
      />
      <DayChart
        title="Memory"
        points={points(({ memory_bytes }) => memory_bytes)}
        now={at}
        highest={now.memory_total_bytes}
        words={bytesWords}
      />
      <DayChart
        title="Servers"
        points={servers}
        now={at}
        highest={most}
        words={rounded}
        rangeWords={(least, most) => `between ${short(least)} and ${rounded(most)}`}
      />
    </section>
  )
}

function rounded(servers: number): string {
  return counted(short(servers), 'server')
}

/** With at most one digit behind the point. */
function short(figure: number): number {
  return Number(figure.toFixed(1))
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
