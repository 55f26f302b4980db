/** Runs a program as whoever uses a server would: without rights, with nothing of this process in its environment. */
import { execFile } from 'node:child_process'
import type { Owner } from '../app/data-folder.ts'

export interface ProgramEnd {
  /** Exit status; undefined when it was not started or was killed. */
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** System code of a failed start: `ENOENT`, `EACCES`. */
  readonly fault: string | undefined
}

export interface ProgramOptions {
  /** Undefined: as this process. */
  readonly as: Owner | undefined
  readonly env?: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

const PLAIN = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' }

export function runProgram(command: readonly string[], { as, env, signal }: ProgramOptions): Promise<ProgramEnd> {
  const [program = '', ...args] = command
  const options = {
    cwd: '/',
    env: { ...PLAIN, ...env },
    signal,
    maxBuffer: 1024 * 1024,
    ...(as && { uid: as.uid, gid: as.gid }),
  }
  return new Promise(resolve => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error?.code // a number is an exit status, a text the system's
      resolve({
        status: error ? (typeof code === 'number' ? code : undefined) : 0,
        stdout,
        stderr,
        fault: typeof code === 'string' ? code : undefined,
      })
    })
  })
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.replace(/\.$/, '') ?? ''
}
