/** What a proxy costs that has been running for a while: warmed up, then by turns with the others. */
import type { Socket } from 'node:net'
import { measureLatencies } from './latencies.ts'
import { download, upload } from './load/bodies.ts'
import { sendSmallRequests } from './load/requests.ts'
import { closeWebSockets, echoMessages, openWebSockets } from './load/web-sockets.ts'
import { CONNECTIONS, type Figure, pathsOf, routesOf, type Settings } from './measures.ts'
import { MOST_ROUTES, PROGRAMS } from './programs.ts'
import { type RunningProxy, startBenchProxy, type World } from './running.ts'

type Load = (proxy: RunningProxy) => Promise<void>

/** Yields a figure as soon as it is known. */
export async function* measureLoads(world: World, settings: Settings): AsyncGenerator<Figure> {
  for (const count of [1, 1000, 10_000]) {
    const loads = loadsFor(count, settings.share).filter(({ measure }) => settings.wanted(measure))
    const withLatencies = count === 1 && settings.wanted('p99 at half load, ms elapsed')
    if (loads.length === 0 && !withLatencies) continue
    const proxies: RunningProxy[] = []
    try {
      for (const program of PROGRAMS) {
        if (count <= (MOST_ROUTES[program] ?? Infinity))
          proxies.push(await startBenchProxy(program, routesOf(count), world))
      }
      for (const load of loads) yield* byTurns(proxies, load, settings.rounds)
      if (withLatencies) yield* measureLatencies(proxies, settings)
    } finally {
      for (const proxy of proxies) await proxy.stop()
    }
  }
}

interface CountedLoad {
  readonly measure: string
  /** From processor seconds of a round to the figure. */
  readonly factor: number
  run(proxy: RunningProxy): Promise<void>
  prepare?(proxy: RunningProxy): Promise<Socket[]>
}

function loadsFor(count: number, share: number): CountedLoad[] {
  const some = (n: number) => Math.max(1, Math.round(n * share))
  const paths = pathsOf(routesOf(count))
  const small =
    (requests: number, close = false): Load =>
    ({ port }) =>
      sendSmallRequests({ port, paths, requests, connections: CONNECTIONS, close })
  const gets = some(20_000)
  const keepAlive = (measure: string) => ({ measure, factor: 10_000 / gets, run: small(gets) })
  if (count === 1000) return [keepAlive('1000 routes, s per 10,000')]
  if (count === 10_000) return [keepAlive('10,000 routes, s per 10,000')]
  const [fresh, bodies, messages] = [some(2000), some(20), some(20_000)]
  const route = routesOf(1)[0]!.slice(0, -1)
  return [
    keepAlive('keep-alive GET, s per 10,000'),
    { measure: 'without keep-alive, s per 10,000', factor: 10_000 / fresh, run: small(fresh, true) },
    { measure: '10 MB down, ms', factor: 1000 / bodies, run: ({ port }) => download(port, route, bodies) },
    { measure: '10 MB up, ms', factor: 1000 / bodies, run: ({ port }) => upload(port, route, bodies) },
    echoLoad(route, messages),
  ]
}

function echoLoad(route: string, messages: number): CountedLoad {
  const open = new Map<RunningProxy, Socket[]>()
  return {
    measure: 'WebSocket echo, us a message',
    factor: 1e6 / messages,
    async prepare(proxy) {
      const sockets = await openWebSockets(proxy.port, route, 100)
      open.set(proxy, sockets)
      return sockets
    },
    run: proxy => echoMessages(open.get(proxy)!, messages),
  }
}

async function* byTurns(proxies: readonly RunningProxy[], load: CountedLoad, rounds: number): AsyncGenerator<Figure> {
  const opened: Socket[] = []
  for (const proxy of proxies) opened.push(...((await load.prepare?.(proxy)) ?? []))
  for (const proxy of proxies) await load.run(proxy) // warm-up
  for (let round = 0; round < rounds; round++) {
    for (const proxy of proxies) {
      const before = proxy.cpuSeconds()
      await load.run(proxy)
      yield { measure: load.measure, program: proxy.program, value: (proxy.cpuSeconds() - before) * load.factor }
    }
  }
  await closeWebSockets(opened)
}
