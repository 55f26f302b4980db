/**
 * Real JupyterLab servers of this hub beside those of the released JupyterHub with its local spawner, in one run.
 *
 *     node bench/start/run.ts [--rounds 3] [--at-once 50] [--idle 20] [--pages 2] [--class 100+20] [--json]
 *
 * Rounds go by turns, so that both meet the same machine; what is written down is the median. `--pages 0` leaves the
 * browser out, `--class 0+0` the class: so many trivial servers and so many of JupyterLab, all at once.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { launchBrowser } from '../../test/support/browser.ts'
import { descendants, listProcesses } from '../../test/support/processes.ts'
import { buildPackage } from '../hub/built-package.ts'
import { median, memoryOf } from '../process-cost.ts'
import { startAndStopClass } from './class.ts'
import { newPerson, openLab, type Person, startAll, startKernel, startServer, stopServer } from './person.ts'
import { PROGRAMS, type Program, type StartedHub, startHub } from './started-hub.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    'at-once': { type: 'string', default: '50' },
    idle: { type: 'string', default: '20' },
    pages: { type: 'string', default: '2' },
    class: { type: 'string', default: '100+20' },
    json: { type: 'boolean', default: false },
  },
})
const counts = {
  rounds: Number(flags.rounds),
  atOnce: Number(flags['at-once']),
  idle: Number(flags.idle),
  pages: Number(flags.pages),
  class: flags.class.split('+').map(Number) as [light: number, real: number],
}

/** Seconds and megabytes. */
interface Figures {
  'one start': number[]
  'first kernel': number[]
  'usable page': number[]
  'page of what runs': number[]
  'at once': number[]
  'private memory': number[]
  'class starts': number[]
  'class stops': number[]
}

const SETTLE_MS = 3_000

const built = buildPackage()
const hubs: StartedHub[] = []
try {
  for (const program of PROGRAMS) hubs.push(await startHub(program, built.bin))
  const figures = Object.fromEntries(PROGRAMS.map(program => [program, emptyFigures()])) as Record<Program, Figures>
  for (let round = 0; round < counts.rounds; round++) {
    for (const hub of hubs) await measureOne(hub, figures[hub.program], `one${round}`)
  }
  if (counts.pages > 0) await measurePages(figures)
  for (const hub of hubs) await measureMany(hub, figures[hub.program])
  for (const hub of hubs.splice(0)) await hub.stop()
  if (counts.class.some(count => count > 0))
    for (const program of PROGRAMS) await measureClass(figures[program], program)
  print(figures)
} finally {
  for (const hub of hubs) await hub.stop()
  built.remove()
}

async function measureOne(hub: StartedHub, figures: Figures, name: string): Promise<void> {
  const person = await newPerson(hub, name)
  figures['one start'].push(await startServer(person))
  figures['first kernel'].push(await startKernel(person))
  await stopServer(person)
}

async function measurePages(figures: Record<Program, Figures>): Promise<void> {
  const browser = await launchBrowser()
  try {
    for (let round = 0; round < counts.pages; round++) {
      for (const hub of hubs) {
        const person = await newPerson(hub, `page${round}`)
        const { started, running } = await openLab(browser, person)
        figures[hub.program]['usable page'].push(started)
        figures[hub.program]['page of what runs'].push(running)
        await stopServer(person)
      }
    }
  } finally {
    await browser.close()
  }
}

async function measureMany(hub: StartedHub, figures: Figures): Promise<void> {
  const people: Person[] = []
  for (let n = 0; n < Math.max(counts.atOnce, counts.idle); n++) people.push(await newPerson(hub, `many${n}`))
  const together = people.slice(0, counts.atOnce)
  figures['at once'].push(await startAll(together))
  await Promise.all(together.slice(counts.idle).map(stopServer))
  for (const person of people.slice(counts.atOnce, counts.idle)) await startServer(person)
  await sleep(SETTLE_MS)
  figures['private memory'].push(...serverPids(hub).map(privateMegabytesOf))
  await Promise.all(people.slice(0, counts.idle).map(stopServer))
}

async function measureClass(figures: Figures, program: Program): Promise<void> {
  const [light, real] = counts.class
  const { starts, stops } = await startAndStopClass(program, { light, real }, built.bin)
  figures['class starts'].push(starts)
  figures['class stops'].push(stops)
}

/** Only one hub has servers of these people at that time. */
function serverPids(hub: StartedHub): number[] {
  const found = listProcesses().filter(({ pid, command }) => {
    if (!command[1]?.endsWith('/jupyterhub-singleuser')) return false
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('JUPYTERHUB_USER=many')
  })
  if (found.length !== counts.idle) throw new Error(`${hub.program}: ${found.length} servers, not ${counts.idle}`)
  return found.map(({ pid }) => pid)
}

/** With its children: ours has one that forks kernels. */
function privateMegabytesOf(server: number): number {
  const pids = [server, ...descendants(server).map(({ pid }) => pid)]
  return pids.reduce((sum, pid) => sum + memoryOf(pid).privateMegabytes, 0)
}

function emptyFigures(): Figures {
  return {
    'one start': [],
    'first kernel': [],
    'usable page': [],
    'page of what runs': [],
    'at once': [],
    'private memory': [],
    'class starts': [],
    'class stops': [],
  }
}

function print(figures: Record<Program, Figures>): void {
  if (flags.json) return void process.stdout.write(`${JSON.stringify({ bench: 'start', ...counts, figures })}\n`)
  const units: Record<keyof Figures, string> = {
    'one start': 's, request to first answer',
    'first kernel': 's, request to its first answer',
    'usable page': 's, click to JupyterLab in Chromium',
    'page of what runs': 's, the same of a server that runs',
    'at once': `s, ${counts.atOnce} at once all answering`,
    'private memory': `MB of each of ${counts.idle} idle servers, with what belongs to it`,
    'class starts': `s, ${counts.class[0]} trivial servers and ${counts.class[1]} of JupyterLab at once all answering`,
    'class stops': 's, the same until all are stopped',
  }
  process.stdout.write('| | Orrery | JupyterHub | ratio |\n|---|---|---|---|\n')
  for (const name of Object.keys(units) as (keyof Figures)[]) {
    if (figures.orrery[name].length === 0) continue
    const [ours, theirs] = [median(figures.orrery[name]), median(figures.jupyterhub[name])]
    const ratio = (theirs / ours).toFixed(1)
    process.stdout.write(`| ${name} (${units[name]}) | ${ours.toFixed(2)} | ${theirs.toFixed(2)} | ${ratio} |\n`)
  }
}
