/** The figures of a new process, in the order of its life: start, memory, first requests, silent WebSockets, routes. */
import { sendSmallRequests } from './load/requests.ts'
import { changeRoutes } from './load/routes-api.ts'
import { closeWebSockets, openWebSockets } from './load/web-sockets.ts'
import { CONNECTIONS, type Figure, pathsOf, routesOf, type Settings } from './measures.ts'
import { PROGRAMS } from './programs.ts'
import { type RunningProxy, startBenchProxy, type World } from './running.ts'

const LIFE = [
  'start until it answers, ms elapsed',
  'idle memory, MB',
  'first 1000 requests, s per 10,000',
  '1000 idle WebSockets, KB each',
  'adding 1000 routes, ms',
]

export async function* measureNewProcesses(world: World, { rounds, wanted }: Settings): AsyncGenerator<Figure> {
  if (!LIFE.some(wanted)) return
  for (let round = 0; round < rounds; round++) {
    for (const program of PROGRAMS) {
      const proxy = await startBenchProxy(program, routesOf(1), world)
      try {
        for await (const [measure, value] of lifeOf(proxy, world)) {
          if (wanted(measure)) yield { measure, program, value }
        }
      } finally {
        await proxy.stop()
      }
    }
  }
}

async function* lifeOf(proxy: RunningProxy, world: World): AsyncGenerator<[string, number]> {
  const { port, apiPort } = proxy
  const route = routesOf(1)[0]!
  const paths = pathsOf([route])
  yield ['start until it answers, ms elapsed', proxy.startMs]
  yield ['idle memory, MB', (await proxy.residentKilobytes()) / 1024]

  const cold = proxy.cpuSeconds()
  await sendSmallRequests({ port, paths, requests: 1000, connections: CONNECTIONS })
  yield ['first 1000 requests, s per 10,000', (proxy.cpuSeconds() - cold) * 10]

  const before = await proxy.residentKilobytes()
  const sockets = await openWebSockets(port, route.slice(0, -1), 1000)
  yield ['1000 idle WebSockets, KB each', ((await proxy.residentKilobytes()) - before) / sockets.length]
  await closeWebSockets(sockets)

  if (apiPort === undefined) return
  const more = routesOf(1001).slice(1)
  const without = proxy.cpuSeconds()
  await changeRoutes('POST', apiPort, more, world.upstream.url)
  yield ['adding 1000 routes, ms', (proxy.cpuSeconds() - without) * 1000]
}
