/**
 * A launcher without a launcher: for each user the hub talks to a helper that sudo starts as that user, see
 * `launcher/sudo-helper.ts`. What the hub can see by itself it does not ask.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { type CallOptions, clientOver, type LauncherClient } from '../../launcher/client.ts'
import { readHelperFile } from '../../launcher/helper-file.ts'
import { limitedQueue } from '../../launcher/one-at-a-time.ts'
import { portOffice } from '../../launcher/processes/free-port.ts'
import { portWatch } from '../../launcher/processes/port-watch.ts'
import {
  type Answers,
  type Asked,
  type LimitsThatHold,
  type OperationName,
  PROTOCOL_VERSION,
} from '../../launcher/protocol.ts'
import { refusalAsHubError } from '../../launcher/refusal.ts'
import { preparations } from './preparations.ts'
import { serverProcesses } from './server-process.ts'
import { openSudoStream, type SudoCommand } from './sudo-stream.ts'

export interface SudoLauncherOptions extends SudoCommand {
  readonly log: Logger
  /** For how many people at a time what is likely to be started soon may wait, imported. Default 20. */
  readonly preparedAtMost?: number
}

/** Each is a process of Node's of some 40 MB for some tenths of a second, or as long as a server takes to end. */
const HELPERS_AT_ONCE = 8
/** Starts have a queue of their own: they may import for seconds, and a stop should not wait for that. */
const STARTS_AT_ONCE = 8
const HELPERS_WAITING = 10_000
const LOOK_EVERY_MS = 100
/** Control groups are root's to make. */
const LIMITS: LimitsThatHold = { groups: 'none', memory: 'process', cpus: 'none', tasks: 'user' }
/** Where processes are hidden, the helper has to look. */
const ASK_EVERY_MS = 3_000

type OfServer = { readonly [Op in OperationName]: Asked<Op> extends { key: unknown } ? Op : never }[OperationName]

/** What a helper may answer: it runs as the user, and so may lie, but not in other forms. */
const RESULTS: { readonly [Op in OfServer]?: z.ZodType<Answers[Op]> } = {
  start: z.object({
    pid: z.int().min(2),
    startTime: z.string().max(80),
    linuxUser: z.string().max(255),
    home: z.string().max(4096),
    warnings: z.array(z.string().max(1000)).max(20),
    fresh: z.string().max(1000).exactOptional(),
  }),
  prepare: z.discriminatedUnion('state', [
    z.object({ state: z.literal('unneeded') }),
    z.object({ state: z.literal('waiting'), pid: z.int().min(2), startTime: z.string().max(80) }),
    z.object({ state: z.literal('impossible'), reason: z.string().max(1000) }),
  ]),
  stop: z.object({ stopped: z.boolean() }),
  poll: z.union([
    z.object({ running: z.literal(true) }),
    z.object({
      running: z.literal(false),
      exit: z.object({
        status: z.int().exactOptional(),
        signal: z.string().max(20).exactOptional(),
        reason: z.literal('out_of_memory').exactOptional(),
      }),
    }),
  ]),
  logs: z.object({ text: z.string() }),
  readLog: z.object({ text: z.string(), next: z.string(), isEnd: z.boolean(), isLost: z.boolean().exactOptional() }),
  forget: z.object({ forgotten: z.boolean() }),
}

export function sudoLauncher(options: SudoLauncherOptions): LauncherClient {
  const { helper, log, preparedAtMost = 20 } = options
  const processes = serverProcesses()
  const prepared = preparations({ atMost: preparedAtMost, ask: asked => ask('prepare', asked), processes, log })
  const offerPort = portOffice()
  const ports = portWatch()
  const inQueue = limitedQueue(HELPERS_AT_ONCE, HELPERS_WAITING)
  /** Nobody has asked for what fails when a start is prepared. */
  const quiet: Pick<Logger, 'warn'> = { warn: (fields, message) => log.debug(fields, message) }
  const toStart = limitedQueue(STARTS_AT_ONCE, HELPERS_WAITING)

  /** Asks a helper of the user's own, which ends with the answer. */
  async function ask<Op extends OfServer>(op: Op, asked: Asked<Op>, call?: CallOptions): Promise<Answers[Op]> {
    const schema = RESULTS[op]
    if (!schema) throw notOffered(op)
    const { user } = (asked as { key: { user: string } }).key // each of these has a key
    const answered = (op === 'start' ? toStart : inQueue)(async () => {
      call?.signal?.throwIfAborted()
      helperFile()
      const client = clientOver({
        connect: async () => openSudoStream(user, options, op === 'prepare' ? quiet : log),
        unreachable: cause => failed(user, cause),
      })
      try {
        return await client.call(op, asked, call)
      } finally {
        client.close()
      }
    })
    if (!answered) throw failed(user, undefined)
    const result = schema.safeParse(await answered)
    if (!result.success) throw failed(user, result.error)
    return result.data
  }

  function helperFile() {
    try {
      return readHelperFile(helper)
    } catch (error) {
      throw refusalAsHubError(error)
    }
  }

  async function poll(asked: Asked<'poll'>, call?: CallOptions): Promise<Answers['poll']> {
    const seen = await processes.look(asked.key.user, asked)
    return seen === 'runs' ? { running: true } : await ask('poll', asked, call)
  }

  async function owns({ key, pid, startTime, ip, port }: Asked<'owns'>): Promise<Answers['owns']> {
    const seen = await processes.look(key.user, { pid, startTime })
    return { owns: seen !== 'gone' && (await processes.portHolder(key.user, ip, port)) === 'theirs' }
  }

  async function watch(asked: Asked<'watch'>, call?: CallOptions): Promise<Answers['watch']> {
    const { key, pid, startTime, ip, port, waitMs } = asked
    const claim = { key, pid, startTime }
    for (const until = Date.now() + waitMs; ; ) {
      call?.signal?.throwIfAborted()
      const seen = await processes.look(key.user, claim)
      const polled = seen === 'runs' ? undefined : await ask('poll', claim, call)
      const holder = await processes.portHolder(key.user, ip, port)
      if (polled?.running === false) return { seen: 'ended', exit: polled.exit, portTaken: holder !== 'nobody' }
      if (holder === 'theirs') return { seen: 'listening' }
      if (holder === 'other') return { seen: 'taken' }
      if (Date.now() >= until) return { seen: 'waiting' }
      if (seen === 'runs') await ports.appears(port, LOOK_EVERY_MS)
      else await sleep(ASK_EVERY_MS, undefined, { signal: call?.signal })
    }
  }

  async function start(asked: Asked<'start'>, call?: CallOptions): Promise<Answers['start']> {
    const { user, server } = asked.key
    await prepared.starting(user)
    const started = await ask('start', asked, call)
    if (started.fresh !== undefined) log.info({ user, server, reason: started.fresh }, 'server is not preloaded')
    return started
  }

  const own: { readonly [Op in OperationName]?: (asked: Asked<Op>, call?: CallOptions) => Promise<Answers[Op]> } = {
    async hello() {
      const { allowedEnvironment, commands } = helperFile()
      return {
        version: PROTOCOL_VERSION,
        pid: process.pid,
        separateUsers: true,
        allowedEnvironment,
        commands: commands.map(command => command.join(' ')),
        services: [],
        limits: LIMITS,
      }
    },
    usageOfAll: async ({ servers }) => ({ servers: await processes.usageOf(servers) }),
    freePort: async ({ ip }) => ({ port: await offerPort(ip) }),
    start,
    prepare: (asked, call) => prepared.prepare(asked, call?.signal),
    poll,
    owns,
    watch,
  }

  return {
    async call<Op extends OperationName>(op: Op, asked: Asked<Op>, call?: CallOptions) {
      const itself = own[op]
      return itself ? await itself(asked, call) : await ask(op as never, asked as never, call)
    },
    close() {},
  }
}

function failed(user: string, cause: unknown): HubError {
  return new HubError('sudo_helper_failed', {
    status: 500,
    message: `The helper that starts servers as ${user} gave no answer that can be understood.`,
    nextStep: `An administrator can try it: orrery doctor sudo --user ${user}.`,
    cause,
  })
}

function notOffered(op: string): HubError {
  return new HubError('not_with_sudo', { status: 500, message: `The helper of sudo does not do this (${op}).` })
}
