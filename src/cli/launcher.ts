import { execFileSync } from 'node:child_process'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { pino } from 'pino'
import { z } from 'zod'
import { isSupervised, receiveGo, tellFailure, tellSupervisor } from '../app/supervised.ts'
import { logOptions } from '../core/log-options.ts'
import type { LaunchedService } from '../launcher/launched-services.ts'
import { DEFAULT_ARGUMENTS, DEFAULT_PATH, isRoot, type LauncherOptions, withDefaults } from '../launcher/options.ts'
import { RUN_AS, type RunAsKind } from '../launcher/protocol.ts'
import { refusalAsHubError } from '../launcher/refusal.ts'
import { startLauncher } from '../launcher/server.ts'
import { type UnitSettings, unitSettings } from '../launcher/units/unit-settings.ts'
import { exitStatusOf } from './exit-codes.ts'
import { messageOf } from './report-error.ts'

/** `orrery launcher`: the only part with privilege. What it may do is fixed by this command line. */
export function launcherCommand(): Command {
  return new Command('launcher')
    .description(
      'start servers as users and check passwords with PAM, asked over a Unix socket (the part that may be root)',
    )
    .requiredOption('--socket <path>', 'Unix socket to listen on')
    .option('--state-dir <folder>', 'records, logs and made accounts', defaultStateDir())
    .option('--allow-uid <uid>', 'user (number or name) that may connect besides root; repeatable', collectUid)
    .option(
      '--run-as <kind>',
      'linux-user (of the same name), own-account (made for it) or dynamic-user (made up by systemd); repeatable (default: the first two)',
      collectRunAs,
    )
    .option('--singleuser-command <json>', 'program that may be started, as a JSON list; repeatable', collectCommand)
    .option(
      '--unit <json>',
      'run servers as units of systemd: {"name", "slice", "properties": [["Name", "value"]]}',
      parseUnit,
    )
    .option('--service <json>', 'managed service and the user it runs as; repeatable', collectService)
    .option(
      '--allow-argument <pattern>',
      'further arguments the hub may add, a regular expression; repeatable',
      collectPattern,
    )
    .option('--allow-environment <name>', 'guarded environment variable the hub may set; repeatable', collect)
    .option('--environment <name=value>', 'set for every server; repeatable', collectPair)
    .addOption(
      new Option(
        '--preload <when>',
        'fork single-user servers, and with `auto` their kernels, from a process that has imported their modules',
      )
        .choices(['auto', 'servers', 'off'])
        .default('auto'),
    )
    .addOption(
      new Option('--control-groups <when>', 'a control group for each server, so that its limits hold')
        .choices(['auto', 'off'])
        .default('auto'),
    )
    .option('--path <path>', 'search path of the servers', isRoot() ? DEFAULT_PATH : (process.env.PATH ?? DEFAULT_PATH))
    .option('--min-uid <uid>', 'lowest uid that servers run as', parseCount, 1000)
    .option('--shell <path>', 'login shell a user may have; repeatable (default: those of /etc/shells)', collect)
    .addOption(new Option('--umask <octal>', 'umask of the servers').argParser(parseOctal).default(0o022, '022'))
    .option('--homes-dir <folder>', 'homes of Linux users made for accounts', '/home')
    .option('--account-prefix <text>', 'what the name of such a Linux user starts with', parsePrefix, 'jupyter-')
    .option('--servers-dir <folder>', 'homes of servers when not root (default: servers in the state folder)')
    .option(
      '--tls-dir <folder>',
      'keys and certificates of servers (default: /run/orrery-launcher/tls, else tls in the state folder)',
    )
    .option('--max-log-bytes <bytes>', "size at which a server's log is turned over", parseCount, 10 * 1024 * 1024)
    .option('--max-pam-checks <number>', 'PAM checks at the same time', parseCount, 8)
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(runLauncher)
}

interface Flags {
  socket: string
  stateDir: string
  allowUid?: number[]
  runAs?: RunAsKind[]
  singleuserCommand?: string[][]
  unit?: UnitSettings
  service?: LaunchedService[]
  allowArgument?: string[]
  allowEnvironment?: string[]
  environment?: Record<string, string>
  preload: LauncherOptions['preload']
  controlGroups: 'auto' | 'off'
  path: string
  minUid: number
  shell?: string[]
  umask: number
  homesDir: string
  accountPrefix: string
  serversDir?: string
  tlsDir?: string
  maxLogBytes: number
  maxPamChecks: number
  logLevel: string
}

async function runLauncher(flags: Flags): Promise<void> {
  const log = pino(logOptions('launcher', flags.logLevel))
  const launcher = await startLauncher(
    withDefaults({
      socketPath: flags.socket,
      stateDir: flags.stateDir,
      ...(flags.runAs && { runAs: flags.runAs }),
      commands: flags.singleuserCommand ?? [],
      services: flags.service ?? [],
      ...(flags.unit && { units: flags.unit }),
      allowUids: flags.allowUid ?? [process.getuid?.() ?? 0],
      allowedArguments: [...DEFAULT_ARGUMENTS, ...(flags.allowArgument ?? [])],
      allowedEnvironment: flags.allowEnvironment ?? [],
      environment: { LANG: process.env.LANG ?? 'C.UTF-8', ...flags.environment },
      preload: flags.preload,
      ...(isSupervised() && { preloadAfter: receiveGo() }),
      controlGroups: flags.controlGroups,
      path: flags.path,
      minUid: flags.minUid,
      shells: flags.shell ?? [],
      umask: flags.umask,
      homesDir: flags.homesDir,
      accountPrefix: flags.accountPrefix,
      serversDir: flags.serversDir ?? join(flags.stateDir, 'servers'),
      ...(flags.tlsDir !== undefined && { tlsDir: flags.tlsDir }),
      maxLogBytes: flags.maxLogBytes,
      maxPamChecks: flags.maxPamChecks,
      log,
    }),
  ).catch(async thrown => {
    const error = refusalAsHubError(thrown)
    if (!(await tellFailure(error, messageOf(error)))) log.error({ err: error }, 'launcher cannot start')
    process.exit(exitStatusOf(error))
  })
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'launcher ends, servers go on')
      launcher.close().then(() => process.exit(0))
    })
  }
  endWithParent()
  tellSupervisor({ type: 'ready' })
}

/** Started by `orrery start`, it ends when that has gone in any way; the next start brings its own. */
function endWithParent(): void {
  if (!process.connected) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel?.unref()
}

/** Root's own folder, apart from the hub's data: whoever owns a folder above it could swap it. */
function defaultStateDir(): string {
  if (isRoot()) return '/var/lib/orrery-launcher'
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'orrery-launcher')
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

function collectPattern(value: string, before: string[] = []): string[] {
  try {
    new RegExp(`^(?:${value})$`, 'u')
  } catch {
    throw new InvalidArgumentError('expected a regular expression')
  }
  return [...before, value]
}

function collectPair(value: string, before: Record<string, string> = {}): Record<string, string> {
  const at = value.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('expected NAME=VALUE')
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) }
}

function collectRunAs(value: string, before: RunAsKind[] = []): RunAsKind[] {
  const kind = RUN_AS.find(known => known === value)
  if (!kind) throw new InvalidArgumentError(`expected ${RUN_AS.join(', ')}`)
  return [...before, kind]
}

/** Leaves room for a name: Linux takes 32 characters in all. */
function parsePrefix(value: string): string {
  if (!/^[a-z][a-z0-9-]{0,14}$/.test(value)) throw new InvalidArgumentError('expected up to 15 of a-z, 0-9 and -')
  return value
}

function collectUid(value: string, before: number[] = []): number[] {
  return [...before, /^\d+$/.test(value) ? Number(value) : uidOf(value)]
}

function uidOf(name: string): number {
  try {
    return Number(execFileSync('id', ['-u', '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    throw new InvalidArgumentError(`there is no user ${name}`)
  }
}

function collectCommand(value: string, before: string[][] = []): string[][] {
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch {
    throw new InvalidArgumentError('expected a JSON list of strings')
  }
  if (!Array.isArray(parsed) || parsed.length === 0 || !parsed.every(word => typeof word === 'string')) {
    throw new InvalidArgumentError('expected a JSON list of strings')
  }
  const [program] = parsed as string[]
  if (!program || !isAbsolute(program)) throw new InvalidArgumentError('the program must be an absolute path')
  return [...before, parsed as string[]]
}

const launchedService = z.strictObject({
  name: z.string().min(1),
  user: z.string().min(1),
  command: z
    .array(z.string())
    .min(1)
    .refine(([program = '']) => isAbsolute(program)),
  cwd: z.string().startsWith('/').optional(),
  environmentNames: z.array(z.string()).default([]),
})

function collectService(value: string, before: LaunchedService[] = []): LaunchedService[] {
  try {
    return [...before, launchedService.parse(JSON.parse(value))]
  } catch {
    throw new InvalidArgumentError('expected {"name", "user", "command": ["/absolute/path", ...]} as JSON')
  }
}

function parseUnit(value: string): UnitSettings {
  try {
    return unitSettings.parse(JSON.parse(value))
  } catch (error) {
    const faults =
      error instanceof z.ZodError ? error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`) : []
    throw new InvalidArgumentError(faults.join('; ') || 'expected a JSON object')
  }
}

function parseCount(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('expected a number')
  return Number(value)
}

function parseOctal(value: string): number {
  if (!/^[0-7]{1,4}$/.test(value)) throw new InvalidArgumentError('expected an octal number such as 022')
  return Number.parseInt(value, 8)
}

if (import.meta.main) await launcherCommand().parseAsync()
