/**
 * What may be said to the launcher, and nothing else. One JSON object a line, each way, over its Unix socket; answers
 * carry the id of their request and may come in any order. Unknown operations and unknown keys are refused.
 */
import { z } from 'zod'
import type { LogPart } from '../plugin/spawner.ts'

/** Grows with every change that an older launcher or hub would not understand. */
export const PROTOCOL_VERSION = 5

/** Bytes of one request line. Environments and arguments are far below. */
export const MAX_REQUEST_BYTES = 256 * 1024
/** Bytes of one answer line: log tails are the largest. */
export const MAX_RESPONSE_BYTES = 2 * 1024 * 1024

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const withoutControls = /^[^\u0000-\u001f\u007f]*$/

const accountName = z.string().min(1).max(255).regex(withoutControls)
const serverName = z.string().max(255).regex(withoutControls)
const pid = z.int().min(2).max(4_194_304)
const startTime = z
  .string()
  .max(80)
  .regex(/^[0-9a-f-]+\/\d+$/)
const port = z.int().min(1).max(65_535)
const timeoutMs = z.int().min(0).max(600_000)

/** `INODE-BIRTH:OFFSET`; empty for the beginning. */
const logCursor = z
  .string()
  .max(80)
  .regex(/^(?:[0-9a-f]{1,32}-\d{1,20}:\d{1,16})?$/)

/** Whose server: names as they stand in the hub's database. */
const key = z.strictObject({ user: accountName, server: serverName })
/** Without its suffix. */
const unitName = z.string().regex(/^[A-Za-z0-9:_.\\-]{1,247}$/)
/** `startTime` is absent for servers that JupyterHub started: it writes down the pid, or the name of the unit, alone. */
const server = { key, pid: pid.optional(), startTime: startTime.optional(), unit: unitName.optional() }

/** As whom servers run. */
export const RUN_AS = ['linux-user', 'own-account', 'dynamic-user'] as const
export type RunAsKind = (typeof RUN_AS)[number]

const bytes = z.int().positive()
const cpus = z.number().positive().max(10_000)

const withoutNul = z.string().refine(text => !text.includes('\0'), 'holds a NUL character')

/** Key, certificate and trusted authorities as PEM texts; the launcher writes them where the user alone reads them. */
const pem = withoutNul.max(64 * 1024)
const tls = z.strictObject({ key: pem, cert: pem, ca: pem }).optional()

const operation = {
  hello: z.strictObject({ op: z.literal('hello') }),
  start: z.strictObject({
    op: z.literal('start'),
    key,
    /** As whom: the Linux user of the same name, the one made for this account, or one that systemd makes up for the time. */
    as: z.enum(RUN_AS),
    /** Expects the launcher to start servers as units of systemd; absent: as processes of its own. */
    unit: z.boolean().optional(),
    command: z.array(withoutNul.max(8192)).min(1).max(64),
    environment: z.record(z.string().max(256), withoutNul.max(64 * 1024)),
    /** Folder that must be there, below the home or absolute; looked at as the user. Empty: none. */
    directory: z.string().max(4096).regex(withoutControls),
    /** What it may use at most; `tasks` are processes and threads, `fileBytes` the size of one file. */
    limits: z.strictObject({
      memoryBytes: bytes.optional(),
      cpus: cpus.optional(),
      tasks: z.int().positive().max(4_194_304).optional(),
      fileBytes: bytes.optional(),
    }),
    /** What it gets when others want it too, as far as the kernel sees to it. */
    guarantees: z.strictObject({ memoryBytes: bytes.optional(), cpus: cpus.optional() }).optional(),
    tls,
  }),
  /** The user is likely to start this program soon: what takes long is done beforehand, where that can be. */
  prepare: z.strictObject({
    op: z.literal('prepare'),
    key,
    command: z.array(withoutNul.max(8192)).min(1).max(64),
  }),
  /** A managed service that runs as a user of its own; program, user and folder are the launcher's to know. */
  startService: z.strictObject({
    op: z.literal('startService'),
    name: accountName,
    environment: z.record(z.string().max(256), withoutNul.max(64 * 1024)),
    tls,
  }),
  poll: z.strictObject({ op: z.literal('poll'), ...server }),
  /** Answers when the server listens on the port, has ended, somebody else holds the port, or `waitMs` has passed. */
  watch: z.strictObject({ op: z.literal('watch'), ...server, ip: z.ipv4().or(z.ipv6()), port, waitMs: timeoutMs }),
  owns: z.strictObject({ op: z.literal('owns'), ...server, ip: z.ipv4().or(z.ipv6()), port }),
  /** What a server uses now, and what it may use. */
  usage: z.strictObject({ op: z.literal('usage'), ...server }),
  /** The same of many at once, which takes one look at all processes. */
  usageOfAll: z.strictObject({ op: z.literal('usageOfAll'), servers: z.array(z.strictObject(server)).max(1000) }),
  stop: z.strictObject({ op: z.literal('stop'), ...server, interruptMs: timeoutMs, terminateMs: timeoutMs }),
  logs: z.strictObject({ op: z.literal('logs'), key, lines: z.int().min(1).max(10_000) }),
  /** Its log in parts, as `LogPlace` of the spawners has it. */
  readLog: z.strictObject({
    op: z.literal('readLog'),
    key,
    lines: z.int().min(0).max(10_000).optional(),
    after: logCursor.optional(),
    until: logCursor.optional(),
    whole: z.boolean().optional(),
  }),
  /** Removes record and logs of a server that was deleted for good; refused while it runs. */
  forget: z.strictObject({ op: z.literal('forget'), key }),
  freePort: z.strictObject({ op: z.literal('freePort'), ip: z.ipv4().or(z.ipv6()) }),
  lookupUser: z.strictObject({ op: z.literal('lookupUser'), name: accountName }),
  makeAccount: z.strictObject({ op: z.literal('makeAccount'), name: accountName }),
  pamAuthenticate: z.strictObject({
    op: z.literal('pamAuthenticate'),
    name: accountName,
    password: withoutNul.max(4096),
    service: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/),
    checkAccount: z.boolean(),
    address: z.string().max(64).regex(withoutControls).optional(),
  }),
  pamSession: z.strictObject({
    op: z.literal('pamSession'),
    name: accountName,
    service: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/),
    action: z.enum(['open', 'close']),
  }),
}

export const requestSchema = z.strictObject({
  v: z.literal(PROTOCOL_VERSION),
  id: z.int().min(0),
  request: z.discriminatedUnion('op', [
    operation.hello,
    operation.start,
    operation.prepare,
    operation.startService,
    operation.poll,
    operation.watch,
    operation.owns,
    operation.usage,
    operation.usageOfAll,
    operation.stop,
    operation.logs,
    operation.readLog,
    operation.forget,
    operation.freePort,
    operation.lookupUser,
    operation.makeAccount,
    operation.pamAuthenticate,
    operation.pamSession,
  ]),
})

export const responseSchema = z.union([
  z.object({ id: z.int(), ok: z.literal(true), result: z.unknown() }),
  z.object({
    id: z.int(),
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string(), nextStep: z.string().optional() }),
  }),
])

export type LauncherRequest = z.infer<typeof requestSchema>['request']
export type OperationName = LauncherRequest['op']
export type Asked<Op extends OperationName> = Omit<Extract<LauncherRequest, { op: Op }>, 'op'>

/** How a server ended; empty when nobody saw it. */
export interface ServerExit {
  status?: number
  signal?: string
  reason?: 'out_of_memory'
}

/** All processes of a server together. */
export interface ServerUsage {
  memoryBytes: number
  memoryLimitBytes?: number
  /** Processor time since it was started. */
  cpuSeconds: number
  /** Processor cores that it may use. */
  cpuLimit?: number
  processes: number
  /** Processes and threads; unknown where no control group counts them. */
  tasks?: number
  taskLimit?: number
  /** How many of its processes were ended since the limit of its memory was reached, and when the last one was. */
  memoryKills: number
  lastMemoryKillAt?: string
}

/** What sees to a limit: a control group, the limits that each process has for itself, or nothing. */
export interface LimitsThatHold {
  groups: 'cgroup2' | 'cgroup1' | 'none'
  memory: 'group' | 'process' | 'none'
  cpus: 'group' | 'none'
  /** `user`: all processes of the same Linux user are counted. */
  tasks: 'group' | 'user' | 'none'
}

/** Name, ids and groups of a Linux user, as the name service tells them. */
export interface LinuxUserFacts {
  name: string
  uid: number
  gid: number
  home: string
  shell: string
  groups: string[]
  /** False for `nologin`, `false` and shells the launcher does not know. */
  mayLogIn: boolean
}

/** What each operation answers. */
export interface Answers {
  hello: {
    version: number
    pid: number
    /** True: servers run as users of their own. False: everything runs as the launcher's own user. */
    separateUsers: boolean
    /** Names besides `JUPYTERHUB_*` and the like that the launcher lets the hub set although it guards them. */
    allowedEnvironment: string[]
    commands: string[]
    /** Names of the services it may start. */
    services: string[]
    limits: LimitsThatHold
  }
  start: {
    pid: number
    startTime: string
    /** The name of the unit without its suffix, where it is one. */
    unit?: string
    linuxUser: string
    home: string
    warnings: string[]
    /** Why it begins from nothing although it could have been preloaded, or was prepared. */
    fresh?: string
  }
  /** `unneeded`: there is nothing to do for one user; `waiting`: for the start is this process. */
  prepare:
    | { state: 'unneeded' }
    | { state: 'waiting'; pid: number; startTime: string }
    | { state: 'impossible'; reason: string }
  startService: { pid: number; startTime: string; linuxUser: string }
  poll: { running: true } | { running: false; exit: ServerExit }
  watch:
    | { seen: 'listening' }
    | { seen: 'waiting' }
    | { seen: 'taken' }
    | { seen: 'ended'; exit: ServerExit; portTaken: boolean }
  owns: { owns: boolean }
  usage: { running: false } | ({ running: true } & ServerUsage)
  /** In the order asked for; null for one that does not run. */
  usageOfAll: { servers: (ServerUsage | null)[] }
  stop: { stopped: boolean }
  logs: { text: string }
  readLog: LogPart
  forget: { forgotten: boolean }
  freePort: { port: number }
  lookupUser: { user: LinuxUserFacts | null }
  makeAccount: { linuxUser: string; home: string; made: boolean }
  pamAuthenticate: { authenticated: true; user: LinuxUserFacts } | { authenticated: false; refused: PamRefusal }
  pamSession: { done: boolean; message: string }
}

export type PamRefusal =
  | 'wrong_credentials'
  | 'account_expired'
  | 'account_locked'
  | 'password_must_change'
  | 'account_refused'
  | 'root_refused'
  | 'shell_disabled'
  | 'pam_unavailable'

export interface RefusedRequest {
  code: string
  message: string
  nextStep?: string
}

export type LauncherResponse =
  | { id: number; ok: true; result: unknown }
  | { id: number; ok: false; error: RefusedRequest }
