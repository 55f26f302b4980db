/**
 * A spawner for tests: its servers are HTTP servers inside this process. It keeps the contract of spawners
 * (`fake-spawner.test.ts` holds it to that), and a test can make each step slow, fail, or look on.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { SpawnError } from '../core/reason.ts'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { Exit, ServerSpec, ServerUsage, Spawner, SpawnRun } from './spawner.ts'

/** Where fake servers live. It outlives the spawners that work with it, as machines outlive hubs. */
export interface FakeWorld {
  /** By the `fake` of their state. */
  readonly servers: ReadonlyMap<string, FakeServer>
  /** What those use that run, by `alice/`; the others use little. */
  readonly used: Map<string, ServerUsage>
  /** Names of those that run: `alice/`, `alice/gpu`. */
  running(): string[]
  /** Ends a server from outside, as a crash does. */
  crash(key: ServerKey, exit: Exit): Promise<void>
  close(): Promise<void>
}

export interface FakeServer {
  readonly key: ServerKey
  readonly env: Readonly<Record<string, string>>
  readonly port: number
  exit: Exit | undefined
  log: string
}

export type FakeState = { fake: string }

/** Called on the way; what they throw or await happens to the start. */
export interface FakeSteps {
  /** Before anything exists. */
  beforeStart?(spec: ServerSpec, run: SpawnRun<FakeState>): Promise<void>
  /** The server runs and its state is stored. */
  afterSave?(spec: ServerSpec, run: SpawnRun<FakeState>): Promise<void>
  beforeStop?(key: ServerKey): Promise<void>
  /** Whether its state tells where it listens. Default true. */
  tellsAddress?: boolean
  /** What the server answers instead of 200; undefined for no answer at all. */
  answer?(request: IncomingMessage): number | undefined
  /** What it tells instead of its version; undefined for that. */
  body?(request: IncomingMessage, key: ServerKey): unknown
  /** Headers of its answers; `X-JupyterHub-Version` is 6.1.1 unless it says otherwise. */
  headers?: Readonly<Record<string, string>>
}

/** Makes a start fail with status 3, as a broken installation does. */
export const ENDS_EARLY = 'fake-ends-early'

const LITTLE: ServerUsage = { memoryBytes: 50 * 2 ** 20, cpuSeconds: 0 }

type Running = FakeServer & { http: Server; proto: 'http' | 'https' }

export function createFakeWorld(): FakeWorld & { readonly all: Map<string, Running> } {
  const all = new Map<string, Running>()
  const alive = () => [...all.values()].filter(server => server.exit === undefined)
  return {
    all,
    servers: all,
    used: new Map(),
    running: () =>
      alive()
        .map(server => serverKeyText(server.key))
        .sort(),
    async crash(key, exit) {
      const found = alive().filter(server => serverKeyText(server.key) === serverKeyText(key))
      await Promise.all(found.map(server => end(server, exit)))
    },
    close: async () => void (await Promise.all(alive().map(server => end(server, {})))),
  }
}

export function fakeSpawner(world: ReturnType<typeof createFakeWorld>, steps: FakeSteps = {}): Spawner {
  let count = 0
  const find = (state: unknown): Running | undefined => world.all.get(String((state as FakeState | null)?.fake))
  return {
    name: 'fake',

    async start(spec, run) {
      const heeded = { ...run, signal: run.signal } as SpawnRun<FakeState> // its states are FakeState
      await steps.beforeStart?.(spec, heeded)
      run.signal.throwIfAborted()
      if (spec.command.includes(ENDS_EARLY)) throw endedEarly()
      const id = `${serverKeyText(spec.key)}#${process.hrtime.bigint()}-${++count}`
      const server = await begin(spec, steps)
      world.all.set(id, server)
      try {
        await run.saveState({ fake: id })
        await steps.afterSave?.(spec, heeded)
        run.signal.throwIfAborted()
      } catch (error) {
        // A start that was handed over keeps what it made: the next owner finds its state.
        if (!isHandedOver(error)) await end(server, { signal: 'SIGTERM' })
        throw error
      }
      run.progress({ percent: 50, message: 'A fake server listens' })
      return { proto: server.proto, host: '127.0.0.1', port: server.port }
    },

    async poll(_key, state) {
      const server = find(state)
      return server ? server.exit : {}
    },

    async owns(_key, state, address) {
      const server = find(state)
      return server !== undefined && server.exit === undefined && server.port === address.port
    },

    stateTellsAddress: steps.tellsAddress !== false,
    async address(_key, state) {
      const server = find(state)
      return server && steps.tellsAddress !== false
        ? { proto: server.proto, host: '127.0.0.1', port: server.port }
        : undefined
    },

    async stop(key, state, { now }) {
      await steps.beforeStop?.(key)
      const server = find(state)
      if (server && server.exit === undefined) await end(server, { signal: now ? 'SIGKILL' : 'SIGTERM' })
    },

    async usage(servers) {
      return servers.map(({ key, state }) => {
        const server = find(state)
        return server && server.exit === undefined ? (world.used.get(serverKeyText(key)) ?? LITTLE) : undefined
      })
    },

    async logs(_key, state, lines) {
      return find(state)?.log.split('\n').slice(-lines).join('\n') ?? ''
    },
  }
}

function isHandedOver(error: unknown): boolean {
  const code = (error as { code?: string }).code
  return code === 'hub_closing' || code === 'lease_lost'
}

function endedEarly(): SpawnError {
  return new SpawnError({
    code: 'exited_early',
    message: 'The server ended while it was starting (exit status 3).',
    nextStep: 'Its last lines tell more.',
    logTail: 'failing on purpose',
  })
}

async function begin(spec: ServerSpec, steps: FakeSteps): Promise<Running> {
  const listener: RequestListener = (request, response) => answer(server, spec, steps, request, response)
  const { tls } = spec
  const http = tls
    ? createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, listener)
    : createServer(listener)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo // listens on TCP
  const env = spec.environment({ ip: '127.0.0.1', port })
  const proto = tls ? 'https' : 'http'
  const server: Running = { key: spec.key, env, port, http, proto, exit: undefined, log: `listening on ${port}` }
  return server
}

function answer(
  server: FakeServer,
  spec: ServerSpec,
  steps: FakeSteps,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const status = steps.answer ? steps.answer(request) : 200
  if (status === undefined) return void request.socket.destroy()
  const path = request.url?.startsWith(spec.prefix) ? request.url.slice(spec.prefix.length) : undefined
  const told = steps.body?.(request, spec.key)
  const body =
    told !== undefined ? told : path === 'environment' ? { env: server.env } : { version: '6.1.1', user: spec.key.user }
  response.writeHead(path === undefined ? 404 : status, { 'X-JupyterHub-Version': '6.1.1', ...steps.headers })
  response.end(JSON.stringify(body))
}

async function end(server: Running, exit: Exit): Promise<void> {
  server.exit = exit
  server.log += '\nends'
  server.http.closeAllConnections()
  await new Promise(resolve => server.http.close(resolve))
}
