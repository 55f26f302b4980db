/**
 * Entry of the short-lived process that becomes a user's server. It is started in a session of its own with an empty
 * environment, reads what to become from descriptor 3, becomes the user for good, and only then looks at anything the
 * user could have prepared: the home, the working folder, the program, the environment. It tells on descriptor 4 what
 * is wrong, or that all is well, waits for the launcher's word that it stands in the records, and turns into the program. No secret is ever in an argument list or in an environment
 * that root runs with.
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { resolve } from 'node:path'

/** What the launcher writes to descriptor 3, as one line; a second line lets the program start. */
export interface ChildOrder {
  readonly become: { name: string; uid: number; gid: number } | null
  readonly umask: number
  readonly home: string
  /** Servers must be able to write into their home and work there; services do with any folder. */
  readonly needsHome: boolean
  /** Must be there; services work in it. Empty: none. */
  readonly directory: string
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** What it answers on descriptor 4. */
export type ChildReport = { ok: true } | { ok: false; code: ChildFault; detail: string }

export type ChildFault =
  | 'switch_failed'
  | 'home_missing'
  | 'home_not_readable'
  | 'home_not_writable'
  | 'directory_missing'
  | 'command_not_found'
  | 'command_not_executable'
  | 'interpreter_missing'

const ORDER_FD = 3
const REPORT_FD = 4
const LINE_END = 0x0a

const order = JSON.parse(readOrderLine() ?? '') as ChildOrder // written by start-server.ts alone
closeInherited()
becomeUser()
process.umask(order.umask)
if (order.needsHome) enterHome()
else enterHomeOrRoot()
checkDirectory()
if (!order.needsHome && order.directory !== '') process.chdir(order.directory)
checkProgram(order.argv[0]!)
writeSync(REPORT_FD, JSON.stringify({ ok: true } satisfies ChildReport))
closeSync(REPORT_FD)
// A launcher that was killed before it wrote this process down would leave a server that nobody knows of.
if (readOrderLine() === undefined) process.exit(125)
closeSync(ORDER_FD)
turnIntoProgram()

/** The next line, without its end; undefined when the launcher is gone. */
function readOrderLine(): string | undefined {
  let line = Buffer.alloc(0)
  const chunk = Buffer.alloc(64 * 1024)
  for (;;) {
    const bytes = readSync(ORDER_FD, chunk, 0, chunk.length, null)
    if (bytes === 0) return undefined
    line = Buffer.concat([line, chunk.subarray(0, bytes)])
    // The launcher writes a line only when it has read the answer to the one before, so nothing follows the end.
    if (line.at(-1) === LINE_END) return line.toString('utf8')
  }
}

function becomeUser(): void {
  if (!order.become) return
  const { name, uid, gid } = order.become
  try {
    initGroups(name, gid)
    process.setgid!(gid)
    process.setuid!(uid)
  } catch (error) {
    fail('switch_failed', messageOf(error))
  }
  if (process.getuid!() !== uid || process.geteuid!() !== uid || uid === 0) fail('switch_failed', 'still another user')
  if (process.getgid!() !== gid || process.getgroups!().includes(0)) fail('switch_failed', 'still in another group')
}

/** `@types/node` does not list it for this version. */
function initGroups(name: string, gid: number): void {
  ;(process as unknown as { initgroups(user: string, extraGroup: number): void }).initgroups(name, gid)
}

/** Descriptors that whoever started the launcher left open would otherwise reach users. Looked up while still allowed to. */
function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (fd <= 2 || fd === ORDER_FD || fd === REPORT_FD) continue
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
      const closesOnExec = (Number.parseInt(flags, 8) & 0o2000000) !== 0
      if (!closesOnExec) closeSync(fd)
    } catch {
      // Closed since it was listed: the listing itself held one.
    }
  }
}

function enterHome(): void {
  try {
    process.chdir(order.home)
  } catch (error) {
    fail(codeOf(error) === 'ENOENT' ? 'home_missing' : 'home_not_readable', order.home)
  }
  try {
    accessSync('.', constants.W_OK | constants.X_OK)
  } catch {
    fail('home_not_writable', order.home)
  }
}

/** Users of the system often have no home. */
function enterHomeOrRoot(): void {
  try {
    process.chdir(order.home)
  } catch {
    process.chdir('/')
  }
}

/** The working folder of a server is the home, as JupyterHub has it; the server enters the notebook folder itself. */
function checkDirectory(): void {
  if (order.directory === '') return
  const directory = resolve(order.home, order.directory)
  try {
    if (!statSync(directory).isDirectory()) fail('directory_missing', directory)
    accessSync(directory, constants.R_OK | constants.X_OK)
  } catch {
    fail('directory_missing', directory)
  }
}

function checkProgram(program: string): void {
  try {
    if (!statSync(program).isFile()) fail('command_not_executable', program)
  } catch (error) {
    fail(codeOf(error) === 'EACCES' ? 'command_not_executable' : 'command_not_found', program)
  }
  try {
    accessSync(program, constants.X_OK)
  } catch {
    fail('command_not_executable', program)
  }
  const interpreter = interpreterOf(program)
  if (interpreter === undefined) return
  try {
    accessSync(interpreter, constants.X_OK)
  } catch {
    fail('interpreter_missing', interpreter)
  }
}

/** The program named after `#!`, as the kernel would read it. */
function interpreterOf(program: string): string | undefined {
  let head: string
  try {
    const fd = openSync(program, 'r')
    const buffer = Buffer.alloc(256)
    head = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
    closeSync(fd)
  } catch {
    return undefined // may be run but not read
  }
  return /^#![ \t]*([^\s]+)/.exec(head)?.[1]
}

function turnIntoProgram(): void {
  try {
    process.execve!(order.argv[0]!, [...order.argv], { ...order.environment })
  } catch (error) {
    process.stderr.write(`${order.argv[0]}: ${messageOf(error)}\n`)
    process.exit(126)
  }
}

function fail(code: ChildFault, detail: string): never {
  writeSync(REPORT_FD, JSON.stringify({ ok: false, code, detail } satisfies ChildReport))
  process.exit(125)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
