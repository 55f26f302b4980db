import { median } from '../process-cost.ts'
import type { HubMemory, Program, StartCost } from './measured-hub.ts'
import type { ServerFigures } from './servers.ts'

/** One round of one operation against one hub. */
export interface Sample {
  readonly program: Program
  readonly operation: string
  readonly connections: number
  readonly requests: number
  readonly cpuSeconds: number
  readonly elapsedSeconds: number
}

export interface HubFigures {
  readonly users: number
  readonly operations: readonly { name: string; target: number | undefined }[]
  readonly samples: readonly Sample[]
  readonly start: Readonly<Record<Program, StartCost>>
  /** Memory after the start, and after all operations. */
  readonly idle: Readonly<Record<Program, HubMemory>>
  readonly used: Readonly<Record<Program, HubMemory>>
  /** Measured with the largest number of users alone, in hubs of their own. */
  readonly servers?: Readonly<Record<Program, ServerFigures>>
}

interface Settings {
  readonly rounds: number
  readonly roundSeconds: number
  readonly connections: readonly number[]
  readonly node: string
}

/** Tables as Markdown, so that they can be kept. */
export function printFigures(all: readonly HubFigures[], { rounds, connections, node }: Settings): void {
  console.log(`Median of ${rounds} rounds by turns, Node ${node}. ms: processor time of the hub per request.\n`)
  for (const figures of all) {
    console.log(`${figures.users} users\n`)
    printTable(
      ['operation', ...connections.flatMap(columnsOf), 'target'],
      figures.operations.map(({ name, target }) => [
        name,
        ...connections.flatMap(count => cellsOf(figures, name, count)),
        target === undefined ? '' : `${target}x`,
      ]),
    )
    printTable(['start and memory', ...COLUMNS], restOf(figures))
    if (figures.servers) printTable(['servers', ...COLUMNS], serversOf(figures.servers))
  }
}

function columnsOf(connections: number): string[] {
  const over = connections === 1 ? '1 connection' : `${connections} connections`
  return [`JupyterHub ms, ${over}`, 'Orrery ms', 'ratio']
}

function cellsOf(figures: HubFigures, operation: string, connections: number): string[] {
  const ms = (program: Program) => {
    const rounds = figures.samples.filter(
      sample => sample.program === program && sample.operation === operation && sample.connections === connections,
    )
    return median(rounds.map(({ cpuSeconds, requests }) => (cpuSeconds / requests) * 1000))
  }
  const [theirs, ours] = [ms('jupyterhub'), ms('orrery')]
  return [theirs.toFixed(2), ours.toFixed(3), `${(theirs / ours).toFixed(1)}x`]
}

const COLUMNS = ['JupyterHub', 'Orrery', 'ratio', 'target'] as const

function restOf({ start, idle, used }: HubFigures): string[][] {
  return [
    row('start until the API answers, s elapsed', program => start[program].elapsedSeconds, '8x'),
    row('start, the hub alone, s processor time', program => start[program].hubCpuSeconds, ''),
    row('memory after the start, hub, MB', program => idle[program].hub.rssMegabytes, ''),
    row('memory after the start, hub and proxy, MB', program => both(idle[program], 'rssMegabytes'), ''),
    row('the same, what is shared counted once, MB', program => both(idle[program], 'pssMegabytes'), ''),
    row('memory after all operations, hub and proxy, MB', program => both(used[program], 'rssMegabytes'), ''),
  ]
}

function serversOf(servers: Readonly<Record<Program, ServerFigures>>): string[][] {
  const { startsAtOnce, stopsAtOnce } = servers.orrery
  const starts = `${startsAtOnce.count} starts at once`
  const stops = `${stopsAtOnce.count} stops at once`
  return [
    row('one start, ms processor time of the hub', program => servers[program].startCpuMs, '15x'),
    row(`${starts}, all answer, s elapsed`, program => servers[program].startsAtOnce.elapsedSeconds, '8x'),
    row(`${starts}, s processor time of the hub`, program => servers[program].startsAtOnce.cpuSeconds, ''),
    row(`${stops}, all gone, s elapsed`, program => servers[program].stopsAtOnce.elapsedSeconds, '8x'),
    row(`${stops}, s processor time of the hub`, program => servers[program].stopsAtOnce.cpuSeconds, ''),
    row('restart until all are routed, s elapsed', program => servers[program].restartSeconds, '6x'),
    row('memory, hub and proxy, MB', program => both(servers[program].memory, 'rssMegabytes'), '1.7x'),
    row('the same, what is shared counted once, MB', program => both(servers[program].memory, 'pssMegabytes'), ''),
  ]
}

function row(name: string, value: (program: Program) => number, target: string): string[] {
  const [theirs, ours] = [value('jupyterhub'), value('orrery')]
  return [name, theirs.toFixed(2), ours.toFixed(2), `${(theirs / ours).toFixed(1)}x`, target]
}

function both({ hub, proxy }: HubMemory, kind: keyof HubMemory['hub']): number {
  return hub[kind] + proxy[kind]
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  console.log([line(head), rule, ...rows.map(line), ''].join('\n'))
}
