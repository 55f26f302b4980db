/** Starts a proxy on the first core and tells what its processes have cost. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../src/proxy/testing/sockets.ts'
import { descendants } from '../../test/support/processes.ts'
import { memoryOf, threadSecondsOf } from '../process-cost.ts'
import { changeRoutes } from './load/routes-api.ts'
import { type Program, recipeFor } from './programs.ts'

export interface RunningProxy {
  readonly program: Program
  readonly port: number
  /** Undefined for those that have none. */
  readonly apiPort: number | undefined
  /** From the command until a request is answered. */
  readonly startMs: number
  /** User and system time of the process and its workers so far. */
  cpuSeconds(): number
  /** Once it has stopped changing. */
  residentKilobytes(): Promise<number>
  stop(): Promise<void>
}

export interface World {
  readonly upstream: { readonly port: number; readonly url: string }
  /** The command that starts ours. */
  readonly orrery: readonly string[]
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM') // a master tells its workers
})

export async function startBenchProxy(
  program: Program,
  routes: readonly string[],
  world: World,
): Promise<RunningProxy> {
  const dir = mkdtempSync(join(tmpdir(), `bench-${program}-`))
  const [port, apiPort] = [await freePort(), await freePort()]
  const setup = { port, apiPort, upstream: `127.0.0.1:${world.upstream.port}`, routes, dir }
  const { command, files = {}, env = {}, api = false } = recipeFor(program, setup, world.orrery)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)

  const began = performance.now()
  const child = spawn('taskset', ['-c', '0', ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
    })
  }
  child.once('exit', () => running.delete(child))
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${output}`)
    await sleep(1)
  }
  const startMs = performance.now() - began
  if (api) await changeRoutes('POST', apiPort, routes, world.upstream.url)

  const processes = () => [child.pid!, ...descendants(child.pid!).map(({ pid }) => pid)]
  return {
    program,
    port,
    apiPort: api ? apiPort : undefined,
    startMs,
    cpuSeconds: () => processes().reduce((sum, pid) => sum + threadSecondsOf(pid), 0),
    async residentKilobytes() {
      const read = () => processes().reduce((sum, pid) => sum + memoryOf(pid).rssMegabytes * 1024, 0)
      for (let last = read(); ; ) {
        await sleep(300)
        const now = read()
        if (Math.abs(now - last) < 100) return now
        last = now
      }
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        const workers = descendants(child.pid!) // they outlive a killed master
        child.kill('SIGKILL')
        for (const { pid } of workers) process.kill(pid, 'SIGKILL')
        await exited
      }
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n'))
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.on('data', () => end(true))
    socket.on('error', () => end(false))
    socket.on('close', () => resolve(false))
  })
}
