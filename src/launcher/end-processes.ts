import { setTimeout as sleep } from 'node:timers/promises'
import { findProcess, type ProcessInfo, processTree } from './process-info.ts'

const LOOK_EVERY_MS = 50
const KILL_WAIT_MS = 5_000

/**
 * Ends a server: interrupt, terminate, kill, each when the one before did not help in its time; 0 leaves a step out.
 * Signals go to the server's process group, and what is left of its session afterwards is ended too. What set up a
 * session of its own (a job that was meant to outlive the server) is only ended when the server had to be killed.
 */
export async function endServer(
  root: ProcessInfo,
  steps: { interruptMs: number; terminateMs: number },
): Promise<boolean> {
  const tree = processTree(root)
  const gone =
    (await signalAndWait(root, 'SIGINT', steps.interruptMs)) ||
    (await signalAndWait(root, 'SIGTERM', steps.terminateMs))
  const left = gone ? tree.filter(info => info.session === root.pid) : processTree(root)
  for (const info of left) await signal(info, 'SIGKILL')
  if (!gone && root.group === root.pid) await signalGroup(root, 'SIGKILL')
  const ends = await Promise.all([root, ...left].map(info => waitUntilGone(info, KILL_WAIT_MS)))
  return ends[0]!
}

async function signalAndWait(root: ProcessInfo, name: NodeJS.Signals, waitMs: number): Promise<boolean> {
  if (waitMs === 0) return false
  if (root.group === root.pid) await signalGroup(root, name)
  else await signal(root, name)
  return await waitUntilGone(root, waitMs)
}

async function waitUntilGone(info: ProcessInfo, waitMs: number): Promise<boolean> {
  for (const until = Date.now() + waitMs; ; ) {
    if (!(await isAlive(info))) return true
    if (Date.now() >= until) return false
    await sleep(LOOK_EVERY_MS)
  }
}

async function isAlive(info: ProcessInfo): Promise<boolean> {
  const now = findProcess(info.pid)
  return now !== undefined && !now.ended && now.startTime === info.startTime
}

/** Looks again right before: the pid must not have passed to another process. */
async function signal(info: ProcessInfo, name: NodeJS.Signals): Promise<void> {
  if (await isAlive(info)) send(info.pid, name)
}

async function signalGroup(root: ProcessInfo, name: NodeJS.Signals): Promise<void> {
  if (await isAlive(root)) send(-root.pid, name)
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
