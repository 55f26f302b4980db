import { chmodSync, chownSync, existsSync, lstatSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { background } from '../core/runtime.ts'
import { openAnyForker } from './forking/forker-python.ts'
import { keepForker } from './forking/forkers.ts'
import { preloadingForker } from './forking/preloading.ts'
import { launcherOperations } from './operations.ts'
import { isRoot, type LauncherOptions } from './options.ts'
import { peerCredentials } from './peer-credentials.ts'
import { assertUnmovable } from './private-directory.ts'
import { Refusal } from './refusal.ts'
import { serveRequests } from './serve-requests.ts'
import { unitRunner } from './units/unit-runner.ts'

export interface Launcher {
  /** Closes the socket. Servers go on. */
  close(): Promise<void>
}

const TURN_OVER_EVERY_MS = 30_000
const LOOK_AT_GROUPS_EVERY_MS = 3_000
const MAX_CONNECTIONS = 64

/** Listens on the launcher's socket until closed. Rejects when another launcher already does. */
export async function startLauncher(options: LauncherOptions): Promise<Launcher> {
  if (process.platform !== 'linux') throw new Refusal('platform_unsupported', 'The launcher needs Linux.')
  // Root gives the socket away by its path, at which nobody else may put another file meanwhile.
  const folder = dirname(options.socketPath)
  if (isRoot() && existsSync(folder)) assertUnmovable(folder)
  await removeStaleSocket(options.socketPath)
  const opening = openAnyForker(options)
  const plain = keepForker(opening, () => openAnyForker(options), options.log)
  const python = () => opening.then(({ program }) => program)
  const units = options.units && unitRunner({ ...options, settings: options.units, python })
  const forker = units ? plain : preloadingForker(plain, options)
  const operations = launcherOperations(options, forker, units)
  const open = new Set<Socket>()
  const server = createServer(socket => {
    if (!isAllowed(socket, options)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    void serveRequests(socket, operations, options.log)
  })
  server.maxConnections = MAX_CONNECTIONS
  try {
    await Promise.all([listen(server, options), opening])
  } catch (error) {
    server.close()
    await forker.close()
    throw error
  }
  const timer = setInterval(
    () => background(operations.turnOverLogs(), 'turn over logs', options.log),
    TURN_OVER_EVERY_MS,
  )
  const looks = setInterval(() => {
    try {
      operations.lookAfterGroups()
    } catch (error) {
      options.log.error({ err: error }, 'groups of servers cannot be looked after')
    }
  }, LOOK_AT_GROUPS_EVERY_MS)
  if (!isRoot())
    options.log.warn({}, 'not root: all servers run as this user and can read each other, fit for trials only')
  options.log.info({ pid: process.pid, socket: options.socketPath, root: isRoot() }, 'launcher ready')
  return {
    async close() {
      clearInterval(timer)
      clearInterval(looks)
      const closed = new Promise<void>(done => server.close(() => done()))
      for (const socket of open) socket.destroy()
      units?.close()
      await Promise.all([closed, forker.close()])
      operations.close()
    },
  }
}

/** The kernel's word on who is connected, besides the socket's permissions. */
function isAllowed(socket: Socket, options: LauncherOptions): boolean {
  try {
    const peer = peerCredentials(socket)
    if (peer.uid === 0 || options.allowUids.includes(peer.uid)) return true
    options.log.warn({ uid: peer.uid, pid: peer.pid }, 'connection of another user refused')
  } catch (error) {
    options.log.error({ err: error }, 'connection refused')
  }
  socket.destroy()
  return false
}

async function listen(server: ReturnType<typeof createServer>, options: LauncherOptions): Promise<void> {
  // The socket must not be connectable for others even for a moment, so it is made with the narrowest mode.
  const before = process.umask(0o177)
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen(options.socketPath, done)
    })
  } finally {
    process.umask(before)
  }
  chmodSync(options.socketPath, 0o600)
  const owner = options.allowUids[0]
  if (isRoot() && owner !== undefined) chownSync(options.socketPath, owner, -1)
}

async function removeStaleSocket(path: string): Promise<void> {
  const entry = lstatSync(path, { throwIfNoEntry: false })
  if (!entry) return
  if (!entry.isSocket()) throw new Refusal('socket_unsafe', `${path} is there already and is not a socket.`)
  if (await answers(path)) throw new Refusal('launcher_running', `Another launcher listens on ${path}.`)
  rmSync(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise(done => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      done(true)
    })
    probe.once('error', () => done(false))
  })
}
