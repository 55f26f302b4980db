import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { sharedLook } from './shared-look.ts'

/** One process as /proc tells it. */
export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly uid: number
  /** Boot id and clock ticks since boot, `BOOT/TICKS`: together with the pid it names one process for ever. */
  readonly startTime: string
  /** Ended, and its parent has not asked for its status yet. */
  readonly ended: boolean
}

let bootId: string | undefined

/**
 * Undefined when there is no such process. Read at once: the kernel makes these lines up without waiting for anything,
 * which takes less than handing the reading to another thread.
 */
export function findProcess(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'), statSync(`/proc/${pid}`).uid, readBootId())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => findProcess(Number(name)))
    .filter(info => info !== undefined)
}

/** As `listProcesses`, for all who ask at the same time. */
export const listProcessesSoon = sharedLook(listProcesses)

/** The processes of a server: its own, its children's children, and whatever shares its session. */
export function processTree(root: ProcessInfo, list: () => readonly ProcessInfo[] = listProcesses): ProcessInfo[] {
  const all = list()
  const members = new Set([root.pid])
  // Only a session leader's session is its own; a server adopted from JupyterHub leads one too.
  if (root.session === root.pid) for (const info of all) if (info.session === root.session) members.add(info.pid)
  for (let grown = true; grown; ) {
    grown = false
    for (const info of all) {
      if (members.has(info.pid) || !members.has(info.parent)) continue
      members.add(info.pid)
      grown = true
    }
  }
  return all.filter(info => members.has(info.pid))
}

/** The environment a process was started with; undefined where it may not be read. */
export async function findEnvironment(pid: number): Promise<Map<string, string> | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const pairs = text.split('\0').filter(pair => pair.includes('='))
  return new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

function readBootId(): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return bootId
}

function parseStat(pid: number, text: string, uid: number, boot: string): ProcessInfo {
  // The second field is the program's name in parentheses and may hold anything, so counting starts behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    uid,
    startTime: `${boot}/${fields[19]}`,
    ended: state === 'Z' || state === 'X',
  }
}
