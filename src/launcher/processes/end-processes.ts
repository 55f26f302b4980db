import { setTimeout as sleep } from 'node:timers/promises'
import { type Group, killGroup } from '../groups/group.ts'
import { findProcess, listProcessesSoon, type ProcessInfo, processTree } from './process-info.ts'

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50
const KILL_WAIT_MS = 5_000

/**
 * Ends a server: interrupt, terminate, kill, each when the one before did not help in its time; 0 leaves a step out.
 * Signals go to the server's process group, and what is left of its session afterwards is ended too. What set up a
 * session of its own (a job that was meant to outlive the server) is only ended when the server had to be killed.
 */
export async function endServer(
  root: ProcessInfo,
  steps: { interruptMs: number; terminateMs: number },
  group?: Group,
): Promise<boolean> {
  const gone =
    (await signalAndWait(root, 'SIGINT', steps.interruptMs)) ||
    (await signalAndWait(root, 'SIGTERM', steps.terminateMs))
  const left = gone ? await sessionOf(root) : processTree(root)
  for (const info of left) signal(info, 'SIGKILL')
  if (!gone && root.group === root.pid) signalGroup(root, 'SIGKILL')
  // Whatever forks faster than it can be listed.
  if (!gone && group) killGroup(group)
  const ends = await Promise.all([root, ...left].map(info => waitUntilGone(info, KILL_WAIT_MS)))
  return ends[0]!
}

async function signalAndWait(root: ProcessInfo, name: NodeJS.Signals, waitMs: number): Promise<boolean> {
  if (waitMs === 0) return false
  if (root.group === root.pid) signalGroup(root, name)
  else signal(root, name)
  return await waitUntilGone(root, waitMs)
}

async function waitUntilGone(info: ProcessInfo, waitMs: number): Promise<boolean> {
  const until = Date.now() + waitMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    if (!isAlive(info)) return true
    if (Date.now() >= until) return false
    await sleep(pauseMs)
  }
}

function isAlive(info: ProcessInfo): boolean {
  const now = findProcess(info.pid)
  return now !== undefined && !now.ended && now.startTime === info.startTime
}

/** What a session leader that has ended left behind; its pid is given to nobody else while anything is left. */
async function sessionOf(root: ProcessInfo): Promise<ProcessInfo[]> {
  if (root.session !== root.pid) return []
  return (await listProcessesSoon()).filter(info => info.session === root.pid && info.pid !== root.pid)
}

/** Looks again right before: the pid must not have passed to another process. */
function signal(info: ProcessInfo, name: NodeJS.Signals): void {
  if (isAlive(info)) send(info.pid, name)
}

function signalGroup(root: ProcessInfo, name: NodeJS.Signals): void {
  if (isAlive(root)) send(-root.pid, name)
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
