/**
 * The helper of the sudo spawner: a launcher that serves one user, as that user, and answers on standard output what it is
 * asked on standard input. Started by the hub through `sudo -u USER`; it ends when the hub closes, and servers go on.
 * Its one argument is the path of its own program, which the script that root has installed gives.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import type { Logger } from '../core/runtime.ts'
import { findLinuxUser, type LinuxUser } from './accounts/linux-user.ts'
import { checkUser } from './accounts/run-as.ts'
import { allowedCommand } from './allowed-command.ts'
import { openAnyForker } from './forking/forker-python.ts'
import { keepForker } from './forking/forkers.ts'
import { preparedForker } from './forking/prepared.ts'
import { type HelperFile, modulesOfHelper, readHelperFile } from './helper-file.ts'
import { launcherOperations, type Operations } from './operations.ts'
import { type LauncherOptions, withDefaults } from './options.ts'
import { Refusal } from './refusal.ts'
import { serveRequests } from './serve-requests.ts'

/** Records, logs and keys of the user's servers, below the home. */
export const STATE_FOLDER = '.local/state/orrery'

/** A refusal of these is mended where root has installed the helper. */
const OF_THE_FILE: readonly string[] = ['command_refused', 'argument_refused', 'environment_refused']

export async function serveUser(helper: string, stream: Duplex): Promise<void> {
  const operations = await operationsFor(helper).catch(error => refusingAll(error))
  // The hub closes its side when it has all its answers.
  stream.once('end', () => stream.destroy())
  await serveRequests(stream, operations, STDERR)
}

async function operationsFor(helper: string): Promise<Operations> {
  const file = readHelperFile(helper)
  const user = await ownUser(file)
  checkHome(user)
  const options = optionsFor(file, user)
  const { stateDir, maxLogBytes } = options
  // It outlives this process as long as servers run, and writes down how they end.
  const words = ['keep', join(stateDir, 'exits'), join(stateDir, 'logs'), String(maxLogBytes)]
  const plain = keepForker(undefined, () => openAnyForker(options, words), STDERR)
  const known = { waitSeconds: file.preloaderSeconds, seed: modulesOfHelper(helper) }
  const forker = preparedForker(plain, options, known)
  const { turnOverLogs, lookAfterGroups: _, close: __, ...operations } = launcherOperations(options, forker)
  await turnOverLogs()
  return {
    ...operations,
    prepare: async ({ command }) => forker.prepare(allowedCommand(command, options)),
    start: (asked, gone) => operations.start(asked, gone).catch(inWordsOfSudo),
  }
}

/** Throws Refusal for root and whoever else no server may run as, whatever sudoers allows. */
async function ownUser(file: HelperFile): Promise<LinuxUser> {
  const { username, uid } = userInfo()
  if (uid === 0) throw new Refusal('root_refused', 'No server is started as root.', 'Sign in as an ordinary user.')
  const user = await findLinuxUser(username, { shells: [] })
  if (!user) throw new Refusal('linux_user_missing', `There is no Linux user ${username} on this machine.`)
  return checkUser(user, { minUid: file.minUid, allowUids: [file.hubUid] })
}

/** Before anything is kept in it. */
function checkHome({ home, name }: LinuxUser): void {
  const refuse = (code: string, words: string) => {
    const nextStep = 'An administrator can make it, or correct its owner and permissions.'
    return new Refusal(code, `The home folder ${home} of ${name} ${words}.`, nextStep)
  }
  if (!statSync(home, { throwIfNoEntry: false })?.isDirectory()) throw refuse('home_missing', 'does not exist')
  try {
    accessSync(home, constants.X_OK)
  } catch {
    throw refuse('home_not_readable', 'cannot be entered by its owner')
  }
  try {
    accessSync(home, constants.W_OK)
  } catch {
    throw refuse('home_not_writable', 'cannot be written by its owner')
  }
}

function optionsFor(file: HelperFile, user: LinuxUser): LauncherOptions {
  const { hubUid: _, version: __, preloaderSeconds: ___, ...given } = file
  const stateDir = join(user.home, STATE_FOLDER)
  return withDefaults({
    ...given,
    socketPath: '',
    allowUids: [],
    runAs: ['linux-user'],
    // This process ends before its servers do and could not look after them.
    controlGroups: 'off',
    stateDir,
    tlsDir: join(stateDir, 'tls'),
    ownUser: user,
    log: STDERR,
  })
}

function refusingAll(error: unknown): Operations {
  const refuse = () => Promise.reject(error)
  // It is awaited, and must not look like a promise.
  return new Proxy({} as Operations, { get: (_, name) => (name === 'then' ? undefined : refuse) })
}

function inWordsOfSudo(error: unknown): never {
  if (!(error instanceof Refusal) || !OF_THE_FILE.includes(error.code)) throw error
  throw new Refusal(error.code, error.message, 'As root, after a change of the config: orrery install-sudo-helper.')
}

/** What happens goes to the log of the hub; it holds no secrets. */
const STDERR: Logger = {
  debug: () => {},
  info: () => {},
  warn: (fields, message) => tell('warn', fields, message),
  error: (fields, message) => tell('error', fields, message),
  child: () => STDERR,
}

function tell(level: string, fields: object, message: string): void {
  const { err, ...rest } = fields as { err?: unknown }
  const why = err instanceof Error ? { err: `${err.name}: ${err.message}` } : {}
  process.stderr.write(`${JSON.stringify({ level, message, ...rest, ...why })}\n`)
}

if (import.meta.main) {
  process.umask(0o077)
  const [helper = ''] = process.argv.slice(2)
  const standard = { readable: process.stdin, writable: process.stdout }
  await serveUser(helper, Duplex.from(standard as unknown as string)) // its types know no streams of Node's own
  process.exit(0)
}
