/**
 * This proxy beside the released configurable-http-proxy, in one run and by turns, so that both meet the same machine.
 *
 *     node bench/proxy/run.ts [--requests 5000] [--rounds 3] [--routes 1000] [--json]
 *
 * The measure is the processor time of the proxy process (user and system, from /proc) per 10,000 requests or messages:
 * it hardly depends on what else the machine does. Elapsed time includes the load generator, which is this process.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { WebSocketServer } from 'ws'
import { apiOf, type ProxyProgram, type SpawnedProxy, spawnProxy } from '../../src/proxy/testing/spawn-proxy.ts'
import { cpuSecondsOf, median } from '../process-cost.ts'
import { echoManyTimes, getManyTimes } from './load.ts'

const PROGRAMS = ['orrery', 'configurable-http-proxy'] as const satisfies ProxyProgram[]
const CONNECTIONS = 20

interface Measurement {
  readonly cpuSeconds: number
  readonly elapsedSeconds: number
}

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '3' },
    routes: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
  },
})
const requests = Number(flags.requests)
const rounds = Number(flags.rounds)

const upstream = http.createServer((_req, res) => res.end('{"kernels":[]}'))
new WebSocketServer({ server: upstream, perMessageDeflate: false }).on('connection', socket => {
  socket.on('message', data => socket.send(data))
})
await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
const target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` // a TCP server that listens

const loads: Record<string, (proxy: SpawnedProxy) => Promise<void>> = {
  'keep-alive GET': proxy => getManyTimes(`${proxy.url}/user/bench/api/kernels`, requests, CONNECTIONS),
  'WebSocket echo': proxy => echoManyTimes(`${proxy.url.replace('http', 'ws')}/user/bench/ws`, requests, CONNECTIONS),
}
const results: Record<string, Record<ProxyProgram, Measurement[]>> = {}

const proxies = await Promise.all(PROGRAMS.map(program => spawnProxy(program, ['--log-level', 'error'])))
try {
  for (const proxy of proxies) await setRoutes(proxy)
  for (const [name, load] of Object.entries(loads)) {
    for (const proxy of proxies) await load(proxy) // warm-up, not counted
    const byProgram: Record<ProxyProgram, Measurement[]> = { orrery: [], 'configurable-http-proxy': [] }
    for (let round = 0; round < rounds; round++) {
      for (const proxy of proxies) byProgram[proxy.program].push(await measure(proxy, () => load(proxy)))
    }
    results[name] = byProgram
  }
} finally {
  await Promise.all(proxies.map(proxy => proxy.stop()))
  upstream.closeAllConnections()
  upstream.close()
}
report()

async function setRoutes(proxy: SpawnedProxy): Promise<void> {
  const api = apiOf(proxy)
  for (let i = 0; i < Number(flags.routes); i++) await api.addRoute(`/user/u${i}/`, target, {})
  await api.addRoute('/user/bench/', target, {})
}

async function measure(proxy: SpawnedProxy, load: () => Promise<void>): Promise<Measurement> {
  const [cpu, start] = [cpuSecondsOf(proxy.child.pid!), performance.now()]
  await load()
  return {
    cpuSeconds: cpuSecondsOf(proxy.child.pid!) - cpu,
    elapsedSeconds: (performance.now() - start) / 1000,
  }
}

function report(): void {
  const rows = Object.entries(results).map(([load, byProgram]) => {
    const per10k = (program: ProxyProgram) =>
      (median(byProgram[program].map(round => round.cpuSeconds)) / requests) * 10_000
    const elapsed = (program: ProxyProgram) => median(byProgram[program].map(round => round.elapsedSeconds))
    const [ours, theirs] = [per10k('orrery'), per10k('configurable-http-proxy')]
    return {
      load,
      cpuSecondsPer10k: { orrery: ours, 'configurable-http-proxy': theirs },
      ratio: theirs / ours,
      elapsedSeconds: { orrery: elapsed('orrery'), 'configurable-http-proxy': elapsed('configurable-http-proxy') },
    }
  })
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ requests, rounds, routes: Number(flags.routes), node: process.version, rows })}\n`,
    )
    return
  }
  console.log(`${requests} each, median of ${rounds} rounds by turns, ${flags.routes} routes, Node ${process.version}`)
  console.table(
    rows.map(({ load, cpuSecondsPer10k, ratio, elapsedSeconds }) => ({
      load,
      'orrery, CPU s per 10k': cpuSecondsPer10k.orrery.toFixed(2),
      'configurable-http-proxy, CPU s per 10k': cpuSecondsPer10k['configurable-http-proxy'].toFixed(2),
      'times cheaper': ratio.toFixed(2),
      'elapsed s (ours / theirs)': `${elapsedSeconds.orrery.toFixed(2)} / ${elapsedSeconds['configurable-http-proxy'].toFixed(2)}`,
    })),
  )
}
