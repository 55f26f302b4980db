/** Looks into a Node process that was started with `--inspect=127.0.0.1:0`, through its inspector. */
import { WebSocket } from 'ws'
import { until } from '../../../test/support/until.ts'

export interface InspectedProcess extends Disposable {
  /** Bytes of the heap in use after a full garbage collection. */
  heapUsed(): Promise<number>
  /** What keeps the process busy, by kind: sockets, timers, requests under way. */
  activeResources(): Promise<Record<string, number>>
}

/** @param log standard error of the process so far */
export async function inspectProcess(log: () => string): Promise<InspectedProcess> {
  const url = await until('the inspector', () => /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(log())?.[0])
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const answers = new Map<number, (result: never) => void>()
  socket.on('message', data => {
    const { id, result } = JSON.parse(data.toString())
    answers.get(id)?.(result as never) // whoever asked knows what was asked for
    answers.delete(id)
  })
  let asked = 0
  const ask = <T>(method: string, params: object = {}) =>
    new Promise<T>(resolve => {
      answers.set(++asked, resolve)
      socket.send(JSON.stringify({ id: asked, method, params }))
    })
  return {
    async heapUsed() {
      await ask('HeapProfiler.collectGarbage')
      return (await ask<{ usedSize: number }>('Runtime.getHeapUsage')).usedSize
    },
    async activeResources() {
      const { result } = await ask<{ result: { value: string[] } }>('Runtime.evaluate', {
        expression: 'process.getActiveResourcesInfo()',
        returnByValue: true,
      })
      const counts: Record<string, number> = {}
      for (const name of result.value) counts[name] = (counts[name] ?? 0) + 1
      return counts
    },
    [Symbol.dispose]: () => socket.terminate(),
  }
}
