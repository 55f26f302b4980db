/**
 * This proxy beside the released configurable-http-proxy, nginx, HAProxy and Caddy, in one run and by turns, so that all
 * meet the same machine.
 *
 *     node bench/proxy/run.ts [--rounds 3] [--share 1] [--only PART] [--from-source] [--json]
 *
 * Each proxy is bound to the first core; this process, which sends the requests and is the upstream, to the second. The
 * measure is the processor time of the proxy with its workers (user and system, from /proc): it hardly depends on what
 * else the machine does. Ours runs as people get it, built first, or with `--from-source` from the sources.
 * `--only` picks measures by a part of their names, several separated by commas; `--share 0.1` sends a tenth of each load.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPackage } from '../hub/built-package.ts'
import type { Figure } from './measures.ts'
import { measureNewProcesses } from './new-processes.ts'
import { printRows, rowsOf } from './report.ts'
import { measureLoads } from './steady-loads.ts'
import { startBenchUpstream } from './upstream.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    share: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'from-source': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const sizes = { rounds: Number(flags.rounds), share: Number(flags.share) }
const parts = flags.only.split(',')
const settings = { ...sizes, wanted: (measure: string) => parts.some(part => measure.includes(part)) }

needPrograms()
const built = flags['from-source'] ? undefined : buildPackage()
const orrery = built
  ? [process.execPath, join(built.bin, '../../dist/cli/main.js'), 'proxy']
  : [process.execPath, join(import.meta.dirname, '../../src/cli/proxy.ts')]
const upstream = await startBenchUpstream()
const figures: Figure[] = []
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    report() // what there is
    built?.remove()
    process.exit(1)
  })
}
try {
  const world = { upstream, orrery }
  for await (const figure of measureLoads(world, settings)) note(figure)
  for await (const figure of measureNewProcesses(world, settings)) note(figure)
} finally {
  upstream[Symbol.dispose]()
  built?.remove()
}
report()

function report(): void {
  const rows = rowsOf(figures)
  if (flags.json) process.stdout.write(`${JSON.stringify({ bench: 'proxy', ...sizes, node: process.version, rows })}\n`)
  else {
    console.log(
      `Median of ${sizes.rounds} rounds by turns, Node ${process.version}. Processor time of the proxy, unless it says elapsed.\n`,
    )
    printRows(rows)
  }
}

function note(figure: Figure): void {
  figures.push(figure)
  if (process.stderr.isTTY)
    process.stderr.write(`${figure.measure}: ${figure.program} ${figure.value.toPrecision(3)}\n`)
}

function needPrograms(): void {
  const missing = ['nginx', 'haproxy', 'caddy', 'taskset'].filter(
    name => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  )
  if (missing.length > 0) {
    process.stderr.write(
      `missing: ${missing.join(', ')}. On Debian: apt-get install nginx-light haproxy caddy util-linux\n`,
    )
    process.exit(1)
  }
  spawnSync('taskset', ['-a', '-p', '-c', '1', `${process.pid}`])
}
