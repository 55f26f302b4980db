/** The server that the contract suite starts, described as the hub would, and the questions that the suite asks of it. */
import { type Json, silentLogger } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { tlsVariables } from '../../spawning/environment.ts'
import type { Address, BindAddress, Exit, ServerSpec, ServerTls, Spawner, UserRecord } from '../spawner.ts'

export interface ContractServer {
  readonly spec: ServerSpec
  readonly saved: Json[]
  readonly progress: string[]
  start(signal?: AbortSignal, onSaved?: () => void): Promise<Address>
  /** What was stored last. */
  state(): Json
  poll(): Promise<Exit | undefined>
  stop(how?: { now: boolean; timeoutMs: number }): Promise<void>
  /** What the server tells of itself at `PREFIX/environment`. */
  environment(address: Address): Promise<Record<string, string>>
}

export const STOP = { now: false, timeoutMs: 10_000 }
export const NEVER: AbortSignal = new AbortController().signal

export function contractServer(
  spawner: Spawner<Json, Json>,
  user: UserRecord,
  name: string,
  command: readonly string[],
  tls?: ServerTls,
): ContractServer {
  const key: ServerKey = { user: user.name, server: name }
  // Only ordinary names get as far as a URL; what the suite does with others is between hub and spawner.
  const segment = /^[\w-]*$/.test(name) ? name : `x${Buffer.from(name).toString('hex')}`
  const prefix = `/user/${encodeURIComponent(user.name)}/${segment}/`
  const spec: ServerSpec = {
    key,
    user,
    options: {},
    command,
    environment: (bind, files) => ({
      ...contractEnvironment(key, prefix, bind, tls ? 'https' : 'http'),
      ...(files && tlsVariables(files)),
    }),
    ...(tls && { tls }),
    prefix,
    notebookDir: '',
    limits: {},
    stopTimeoutMs: STOP.timeoutMs,
  }
  const saved: Json[] = []
  const progress: string[] = []
  const state = () => saved.at(-1) ?? {}
  return {
    spec,
    saved,
    progress,
    start: (signal = NEVER, onSaved = () => {}) =>
      spawner.start(spec, {
        signal,
        async saveState(state) {
          saved.push(state)
          onSaved()
        },
        progress: event => void progress.push(event.message),
        log: silentLogger,
      }),
    state,
    poll: () => spawner.poll(key, state(), NEVER),
    stop: (how = STOP) => spawner.stop(key, state(), { ...how, signal: NEVER }),
    async environment(address) {
      const response = await fetch(`http://${address.host}:${address.port}${prefix}environment`)
      return ((await response.json()) as { env: Record<string, string> }).env
    },
  }
}

function contractEnvironment(
  key: ServerKey,
  prefix: string,
  bind: BindAddress,
  scheme: string,
): Record<string, string> {
  return {
    JUPYTERHUB_API_TOKEN: 'a token that nobody else may see',
    JUPYTERHUB_USER: key.user,
    JUPYTERHUB_SERVER_NAME: key.server,
    JUPYTERHUB_SERVICE_PREFIX: prefix,
    JUPYTERHUB_SERVICE_URL: `${scheme}://${bind.ip}:${bind.port}${prefix}`,
    SPACES_AND_QUOTES: ` a "b" 'c' $(id) \`id\` \\ \n ünïcödé `,
    EMPTY: '',
  }
}

/** Waits until it answers below its prefix; a spawner may return before it does. */
export async function answers(address: Address, spec: ServerSpec): Promise<void> {
  const url = `http://${address.host}:${address.port}${spec.prefix}api`
  await until(`${url} answers`, async () => {
    const response = await fetch(url).catch(() => undefined)
    return response?.status === 200
  })
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await holds()) return
    await new Promise(wait => setTimeout(wait, 50))
  }
  throw new Error(`${what}: not within 20 seconds`)
}
