/** The child's side of `orrery start`: where its config comes from, what it tells, and its end when the parent dies. */
import { Worker } from 'node:worker_threads'
import type { Config } from '../config/schema.ts'
import { HubError } from '../core/errors.ts'
import { predecessorPid } from '../proxy/workers/succession.ts'

/** Says that this process was started by the supervisor. */
export const SUPERVISED = 'ORRERY_INTERNAL_SUPERVISED'

/** Parent to child, once, at the start. */
export interface ConfigMessage {
  readonly type: 'config'
  readonly config: Config
  /** Parts that are programs and cannot be sent: the child reads them from the file itself. */
  readonly programs: readonly (readonly string[])[]
  readonly file: string | undefined
  readonly stopServers: boolean
}

/** Parent to child, once: what others had to make ready is there. */
export interface GoMessage {
  readonly type: 'go'
}

/** Child to parent. */
export type ChildMessage =
  | { readonly type: 'ready'; readonly firstAdminLink?: string | undefined }
  /** Start another one, which takes my place. */
  | { readonly type: 'replace' }
  | ChildFailure

/** Why a child ends: what it would else print on standard error. */
export interface ChildFailure {
  readonly type: 'failed'
  /** That of a HubError; undefined for what nobody foresaw. */
  readonly code: string | undefined
  readonly message: string
  readonly nextStep: string | undefined
  readonly stack: string | undefined
}

export function isSupervised(): boolean {
  return process.env[SUPERVISED] === '1' && process.connected === true
}

/**
 * Ends this process as SIGTERM would when its supervisor is gone, or `bin/orrery.mjs` that it was started through,
 * however it went: the channel between them closes with it. So the next start finds the ports free and nobody writing.
 */
export function endWithParent(): void {
  // A predecessor ends before the process that it has started in its place.
  if (process.connected !== true || (!isSupervised() && predecessorPid() !== undefined)) return
  process.once('disconnect', () => {
    endForSure()
    process.kill(process.pid, 'SIGTERM')
  })
  // Listening must not be what keeps the process alive.
  process.channel?.unref()
}

const LONGEST_END_MS = 20_000

/**
 * An end that hangs must not keep the ports from the next start. The timer runs in a thread of its own, because a main
 * thread can hang in its exit handlers: sonic-boom 4 retries to flush into a pipe without a reader for ever.
 */
function endForSure(): void {
  const code = `setTimeout(() => process.kill(${process.pid}, 'SIGKILL'), ${LONGEST_END_MS})`
  new Worker(code, { eval: true }).unref()
}

export function tellSupervisor(message: ChildMessage): void {
  if (isSupervised()) process.send?.(message)
}

/** Resolves to false when there is no supervisor to tell; then the caller prints it. */
export async function tellFailure(error: unknown, message: string): Promise<boolean> {
  if (!isSupervised()) return false
  const known = error instanceof HubError ? error : undefined
  const failure: ChildFailure = {
    type: 'failed',
    code: known?.code,
    message,
    nextStep: known?.nextStep,
    stack: error instanceof Error ? error.stack : undefined,
  }
  // Until it is handed over: the process ends next.
  return new Promise(resolve => process.send!(failure, (fault: Error | null) => resolve(fault === null)))
}

export interface Orders {
  readonly config: Config
  readonly stopServers: boolean
  /** Resolves when the parts that this one talks to are there. */
  readonly go: Promise<void>
}

/** The config that the supervisor has read, which it could do as root. */
export async function receiveOrders(): Promise<Orders> {
  const go = receiveGo()
  const { config, file, programs, stopServers } = await received('config')
  if (programs.length === 0) return { config, stopServers, go }
  // The proxy, which needs no config, must not carry its schema.
  const { readConfig } = await import('../config/load-config.ts')
  const own = await readConfig({ path: file, env: {} })
  return { config: graft(config, own.config, programs), stopServers, go }
}

/** Resolves at once where there is no supervisor. */
export async function receiveGo(): Promise<void> {
  if (isSupervised()) await received('go')
}

function received<Type extends 'config' | 'go'>(
  type: Type,
): Promise<Extract<ConfigMessage | GoMessage, { type: Type }>> {
  // What waits for a message must not end for want of anything else to do.
  process.channel?.ref()
  return new Promise(resolve => {
    const take = (value: unknown) => {
      const message = value as Extract<ConfigMessage | GoMessage, { type: Type }> // from our own supervisor
      if (message.type !== type) return
      process.off('message', take)
      if (process.listenerCount('message') === 0) process.channel?.unref()
      resolve(message)
    }
    process.on('message', take)
  })
}

/** `base` with the values at these paths taken from `other`. */
function graft(base: Config, other: Config, paths: readonly (readonly string[])[]): Config {
  const result: Record<string, unknown> = { ...base }
  for (const [section, name] of paths) {
    const source = (other as unknown as Record<string, unknown>)[section!] // paths were made from such a config
    result[section!] =
      name === undefined
        ? source
        : { ...(result[section!] as object), [name]: (source as Record<string, unknown>)[name] }
  }
  return result as unknown as Config // as above
}

/** Options whose value holds functions or class instances: `['subdomainHook']`, `['hooks', 'preSpawn']`. */
export function programsIn(config: Config): string[][] {
  return Object.entries(config).flatMap(([section, value]) => {
    if (isPlain(value)) return []
    // A plug-in may be a class instance, of which no part can be left behind.
    const isWhole = section === 'authenticator' || section === 'spawner' || typeof value === 'function'
    if (isWhole) return [[section]]
    return Object.entries(value as object)
      .filter(([, option]) => !isPlain(option))
      .map(([name]) => [section, name])
  })
}

function isPlain(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value !== 'object') return ['string', 'number', 'boolean'].includes(typeof value)
  const prototype = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false
  return Object.values(value).every(isPlain)
}
