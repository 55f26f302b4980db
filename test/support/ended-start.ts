/** Starts of the real program that are expected to fail, and what they leave behind. */
import { spawn } from 'node:child_process'
import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { listProcesses, type ProcessInfo } from './processes.ts'
import { until } from './until.ts'

export const orreryProgram = join(import.meta.dirname, '../../bin/orrery.mjs')

export interface EndedStart {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface OrreryRun {
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** A Linux user to run as. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** A program in front, such as `unshare --mount`. */
  readonly before?: readonly string[]
  readonly cwd?: string
}

/** Runs `orrery ARGS` to its end. */
export async function runOrrery({ args, env = {}, user, before = [], cwd = '/' }: OrreryRun): Promise<EndedStart> {
  const [program, ...rest] = [...before, process.execPath, orreryProgram, ...args]
  const child = spawn(program!, rest, {
    cwd,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', chunk => (texts.stdout += chunk))
  child.stderr.on('data', chunk => (texts.stderr += chunk))
  const timer = setTimeout(() => child.kill('SIGTERM'), 90_000)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  return { status, ...texts }
}

/** A config file with ports of its own; what is given wins. */
export async function writeConfig(file: string, config: Record<string, unknown> = {}): Promise<string> {
  const [port, hubPort, apiPort] = await freePorts(3)
  const whole = {
    bindUrl: `http://127.0.0.1:${port}`,
    hub: { bindUrl: `http://127.0.0.1:${hubPort}` },
    proxy: { apiUrl: `http://127.0.0.1:${apiPort}` },
    authenticator: { kind: 'dummy' },
    access: { allowAll: true },
    // Never run here; named so that no Python environment is made.
    servers: { cmd: ['/usr/bin/true'] },
    ...config,
  }
  writeFileSync(file, JSON.stringify(whole, undefined, 2))
  return file
}

/** Processes that work in a folder or name it on their command line. */
export function processesOf(folder: string): ProcessInfo[] {
  return listProcesses().filter(({ pid, command }) => {
    if (pid === process.pid) return false
    return command.some(word => word.includes(folder)) || `${workingFolder(pid)}/`.startsWith(`${folder}/`)
  })
}

/** What a start has begun is ended with it, or in the moment after. */
export async function nothingRuns(folder: string): Promise<void> {
  await until(`nothing runs in ${folder}`, () => processesOf(folder).length === 0, 10_000).catch(error => {
    throw new Error(`left running: ${JSON.stringify(processesOf(folder))}`, { cause: error })
  })
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return '' // It has just ended.
  }
}
