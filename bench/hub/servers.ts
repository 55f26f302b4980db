/** Starts and stops of servers whose program is trivial, a restart beside them, and what the hub takes with them. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { referencePython } from '../../test/support/python-env.ts'
import { cpuSecondsOf } from '../process-cost.ts'
import { type BenchUser, makeUsers } from './fill-database.ts'
import { type Send, withSender } from './load.ts'
import { type HubMemory, type Program, startHub } from './measured-hub.ts'

export interface ServerFigures {
  readonly program: Program
  /** Of the hub, for one start after the other. */
  readonly startCpuMs: number
  /** Many at once, from the first request until all answer. */
  readonly startsAtOnce: { readonly count: number; readonly elapsedSeconds: number; readonly cpuSeconds: number }
  readonly memory: HubMemory
  /** From the command until the proxy has a route to each of them. */
  readonly restartSeconds: number
  readonly stopsAtOnce: { readonly count: number; readonly elapsedSeconds: number; readonly cpuSeconds: number }
}

const ONE_BY_ONE = 20
/** Starts before that, while compilers settle. */
const WARM_UPS = 20
/** As many as either hub starts at once unless it is told otherwise. */
const BATCH = 100
const PAUSE_MS = 250

/** `bin`: of a built package. */
export async function measureServers(
  program: Program,
  counts: { users: number; servers: number },
  bin: string,
): Promise<ServerFigures> {
  const users = makeUsers(counts.users)
  const command = [referencePython(), '-I', '-S', join(import.meta.dirname, 'trivial-server.py')]
  let hub = await startHub(program, users, { bin, command })
  try {
    const startsOf = (some: readonly BenchUser[], connections: number) =>
      timed(hub.pid, () => onEach(hub.url, some, connections, (send, user) => start(send, hub.adminToken, user)))
    const rest = users.slice(0, counts.servers)
    await startsOf(rest.splice(0, WARM_UPS), 1)
    const single = await startsOf(rest.splice(0, ONE_BY_ONE), 1)
    const atOnce = rest.splice(0, BATCH)
    const startsAtOnce = { count: atOnce.length, ...(await startsOf(atOnce, BATCH)) }
    while (rest.length > 0) await startsOf(rest.splice(0, BATCH), BATCH)
    const memory = hub.memory()

    const began = performance.now()
    hub = await hub.restart()
    await withSender(hub.url, 1, async send => {
      while ((await routedServers(send, hub.adminToken)) < counts.servers) await sleep(PAUSE_MS)
    })
    const restartSeconds = (performance.now() - began) / 1000

    const running = users.slice(0, counts.servers)
    const stops = await timed(hub.pid, () =>
      onEach(hub.url, running, running.length, (send, user) => stop(send, hub.adminToken, user)),
    )
    return {
      program,
      startCpuMs: (single.cpuSeconds / ONE_BY_ONE) * 1000,
      startsAtOnce,
      memory,
      restartSeconds,
      stopsAtOnce: { count: running.length, ...stops },
    }
  } finally {
    await hub.stop()
  }
}

async function timed(pid: number, work: () => Promise<void>) {
  const [cpu, began] = [cpuSecondsOf(pid), performance.now()]
  await work()
  return { elapsedSeconds: (performance.now() - began) / 1000, cpuSeconds: cpuSecondsOf(pid) - cpu }
}

function onEach(
  url: string,
  users: readonly BenchUser[],
  connections: number,
  act: (send: Send, user: BenchUser) => Promise<void>,
): Promise<void> {
  return withSender(url, connections, async send => {
    const left = [...users]
    const worker = async () => {
      for (let user = left.shift(); user; user = left.shift()) await act(send, user)
    }
    await Promise.all(Array.from({ length: connections }, worker))
  })
}

/** Both hubs hold the answer back until the server is ready, for some seconds; then one asks. */
async function start(send: Send, token: string, { name }: BenchUser): Promise<void> {
  const path = `/hub/api/users/${name}/server`
  const { status } = await send({ method: 'POST', path, headers: auth(token), expect: [201, 202] })
  while (status === 202 && !(await isReady(send, token, name))) await sleep(PAUSE_MS)
}

async function stop(send: Send, token: string, { name }: BenchUser): Promise<void> {
  const path = `/hub/api/users/${name}/server`
  const { status } = await send({ method: 'DELETE', path, headers: auth(token), expect: [202, 204] })
  while (status === 202 && !(await isStopped(send, token, name))) await sleep(PAUSE_MS)
}

interface UserModel {
  readonly server: string | null
  readonly pending: string | null
}

async function isReady(send: Send, token: string, name: string): Promise<boolean> {
  const { server, pending } = await userModel(send, token, name)
  if (!server && !pending) throw new Error(`the server of ${name} did not start`)
  return server !== null && pending === null
}

async function isStopped(send: Send, token: string, name: string): Promise<boolean> {
  const { server, pending } = await userModel(send, token, name)
  return server === null && pending === null
}

async function userModel(send: Send, token: string, name: string): Promise<UserModel> {
  const { body } = await send({ method: 'GET', path: `/hub/api/users/${name}`, headers: auth(token), expect: 200 })
  return JSON.parse(body) as UserModel // JupyterHub's model
}

async function routedServers(send: Send, token: string): Promise<number> {
  let found = 0
  for (let offset = 0; ; offset += PAGE) {
    const path = `/hub/api/proxy?offset=${offset}&limit=${PAGE}`
    const { body } = await send({ method: 'GET', path, headers: auth(token), expect: 200 })
    const specs = Object.keys(JSON.parse(body) as object)
    found += specs.filter(spec => spec.startsWith('/user/')).length
    if (specs.length < PAGE) return found
  }
}

/** Neither gives more at a time. */
const PAGE = 200

function auth(token: string): Record<string, string> {
  return { authorization: `token ${token}` }
}
