import { exitReason } from '../../core/exit-reason.ts'
import { reasonInLog, shownLog } from '../../core/log-symptoms.ts'
import type { Reason } from '../../core/reason.ts'
import { serverReason } from '../../core/server-reasons.ts'
import type { Exit } from '../../plugin/spawner.ts'

/** Why a server ended while it was started: from its last words where they tell, else from how it ended. */
export function exitedEarly(exit: Exit, log: string): Reason {
  const ended = exitReason(exit, 'starting')
  const inLog = ended.code === 'exited_early' ? reasonInLog(log, 'ended') : undefined
  return inLog ?? { ...ended, logTail: shownLog(log) }
}

export function portsTaken(tries: number): Reason {
  return serverReason(
    'port_taken',
    tries === 1
      ? 'Another program has the port that the server was told to use.'
      : `Other programs took the port of the server ${tries} times in a row.`,
  )
}

export function notStopped(pid: number | undefined): Reason {
  return serverReason(
    'stop_failed',
    `The server${pid === undefined ? '' : ` (process ${pid})`} did not end although it was killed.`,
  )
}
