import type { Reason } from '../../core/reason.ts'
import type { Exit } from '../../plugin/spawner.ts'

interface Symptom {
  readonly code: string
  readonly seen: RegExp
  message(match: RegExpExecArray): string
  readonly nextStep: string
}

const INSTALL = 'An administrator can install jupyterhub and jupyterlab into the Python environment of the servers.'

/** What servers print before they end, from the most telling to the least. */
const SYMPTOMS: readonly Symptom[] = [
  {
    code: 'port_taken',
    seen: /address already in use|port \d+ is already in use/i,
    message: () => 'The port of the server was taken by another program before the server could listen on it.',
    nextStep: 'Start the server again: it will get another port.',
  },
  {
    code: 'disk_full',
    seen: /No space left on device|Disk quota exceeded/i,
    message: () => 'The server could not write: the disk or the quota of the user is full.',
    nextStep: 'Delete files, or ask an administrator for more room.',
  },
  {
    code: 'out_of_memory',
    seen: /^MemoryError|Cannot allocate memory/im,
    message: () => 'The server found no memory to start with.',
    nextStep: 'Stop servers that are not used, or ask an administrator for more memory.',
  },
  {
    code: 'singleuser_too_old',
    seen: /jupyterhub-singleuser version ([01]\.\S+)/i,
    message: ([, version]) => `The package jupyterhub in the servers' Python environment is too old (${version}).`,
    nextStep: 'An administrator can upgrade jupyterhub there to version 4 or later.',
  },
  {
    code: 'singleuser_missing',
    seen: /No module named '?jupyterhub(?:\.\w+)*'?/,
    message: () => 'The Python environment of the servers lacks the package jupyterhub, or has too old a one.',
    nextStep: INSTALL,
  },
  {
    code: 'python_module_missing',
    seen: /No module named '?([\w.]+)'?/,
    message: ([, module]) => `The Python environment of the servers lacks the module ${module}.`,
    nextStep: INSTALL,
  },
  {
    code: 'hub_unreachable',
    seen: /(?:Failed to connect to|cannot connect to|error connecting to) (?:my )?hub/i,
    message: () => 'The server could not reach the hub.',
    nextStep: 'An administrator can check that the address of the hub is reachable from where servers run.',
  },
  {
    code: 'file_not_permitted',
    seen: /PermissionError: \[Errno 13\] Permission denied: '([^']+)'/,
    message: ([, path]) => `The server may not use ${path}.`,
    nextStep: 'Correct the owner and permissions of that file or folder, or ask an administrator to.',
  },
]

const OVER_LIMIT = {
  code: 'out_of_memory',
  message: 'The server reached the limit of its memory while it was starting, and was ended.',
  nextStep: 'Choose a kind of server with more memory, or ask an administrator for a larger limit.',
}

/** Why a server ended while it was started: from its last words where they tell, else from its exit status. */
export function exitedEarly(exit: Exit, logTail: string): Reason {
  if (exit.reason === 'out_of_memory') return { ...OVER_LIMIT, logTail }
  for (const { seen, code, message, nextStep } of SYMPTOMS) {
    const match = seen.exec(logTail)
    if (match) return { code, message: message(match), nextStep, logTail }
  }
  return {
    code: 'exited_early',
    message: `The server ended while it was starting ${describeExit(exit)}.`,
    nextStep:
      logTail === ''
        ? 'It printed nothing; an administrator can look into the log of the launcher.'
        : 'Its last lines tell more.',
    logTail,
  }
}

export function portsTaken(tries: number): Reason {
  return {
    code: 'port_taken',
    message:
      tries === 1
        ? 'Another program has the port that the server was told to use.'
        : `Other programs took the port of the server ${tries} times in a row.`,
    nextStep: 'Try again; if it happens again, an administrator can look which program listens on many ports.',
  }
}

export function notStopped(pid: number | undefined): Reason {
  return {
    code: 'stop_failed',
    message: `The server${pid === undefined ? '' : ` (process ${pid})`} did not end although it was killed.`,
    nextStep: 'An administrator can look whether it waits for a disk that does not answer.',
  }
}

function describeExit({ status, signal }: Exit): string {
  if (signal === 'SIGKILL') return '(killed, which is what happens when the memory of the machine is used up)'
  if (signal !== undefined) return `(signal ${signal})`
  return status === undefined ? '(exit status unknown)' : `(exit status ${status})`
}
