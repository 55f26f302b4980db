/** From how a process ended to the reason that people are told. */
import type { Reason } from './reason.ts'
import { serverReason } from './server-reasons.ts'

/** As spawners tell it. */
interface Exit {
  readonly status?: number
  readonly signal?: string
  readonly reason?: string
}

export function exitReason(exit: Exit, when: 'starting' | 'running'): Reason {
  if (exit.reason === 'out_of_memory') {
    const since = when === 'starting' ? ' while it was starting' : ''
    return serverReason('out_of_memory', `The server reached the limit of its memory${since}, and was ended.`)
  }
  if (exit.reason === 'node_lost') return serverReason('node_lost', 'The machine the server ran on is gone.')
  if (when === 'starting') {
    return serverReason('exited_early', `The server ended while it was starting, ${exitWords(exit)}.`)
  }
  if (exit.status === 0 && !exit.signal && !exit.reason) {
    return serverReason('server_shut_down', 'The server was shut down from within.')
  }
  const died = serverReason('server_died', `The server ended by itself, ${exitWords(exit)}.`)
  return exit.reason === undefined ? died : { ...died, code: exit.reason }
}

function exitWords({ status, signal }: Exit): string {
  if (signal === 'SIGKILL') return 'killed (SIGKILL), which is what happens when the memory of the machine is used up'
  if (signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === 'SIGILL') return `by ${signal}: a program in it crashed`
  if (signal !== undefined) return `by ${signal}`
  return status === undefined ? 'its exit status unknown' : `with exit status ${status}`
}
