import { measureLatency } from './load/latency.ts'
import { sendSmallRequests } from './load/requests.ts'
import { CONNECTIONS, type Figure, pathsOf, routesOf, type Settings } from './measures.ts'
import type { RunningProxy } from './running.ts'

/** At half of what the slower of nginx and ours can take, for all. */
export async function* measureLatencies(
  proxies: readonly RunningProxy[],
  { rounds, share }: Settings,
): AsyncGenerator<Figure> {
  const paths = pathsOf(routesOf(1))
  const requests = Math.max(1000, Math.round(20_000 * share))
  let most = Infinity
  for (const { program, port } of proxies) {
    const send = () => sendSmallRequests({ port, paths, requests, connections: CONNECTIONS })
    await send() // warm-up
    if (program !== 'nginx' && program !== 'orrery') continue
    const began = performance.now()
    await send()
    most = Math.min(most, (requests / (performance.now() - began)) * 1000)
  }
  for (let round = 0; round < rounds; round++) {
    for (const { port, program } of proxies) {
      const { p50Ms, p99Ms } = await measureLatency(port, paths[0]!, most / 2, Math.max(0.5, 2 * share))
      yield { measure: 'p50 at half load, ms elapsed', program, value: p50Ms }
      yield { measure: 'p99 at half load, ms elapsed', program, value: p99Ms }
    }
  }
}
