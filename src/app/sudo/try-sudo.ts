/** Tries the rule of the sudo spawner from end to end: what sudo permits, and an answer of the helper. */
import { execFile } from 'node:child_process'
import { HubError } from '../../core/errors.ts'
import { silentLogger } from '../../core/runtime.ts'
import { clientOver } from '../../launcher/client.ts'
import { openSudoStream, type SudoCommand } from '../../spawners/sudo/sudo-stream.ts'

export interface SudoTry extends SudoCommand {
  /** As whom a server would run. */
  readonly user: string
  readonly signal: AbortSignal
}

export interface SudoTried {
  /** sudo's list of rules has one for this. */
  readonly rule: 'permits' | 'refuses'
  /** Absent when it answered. */
  readonly fault?: HubError
  /** Programs that the helper starts. */
  readonly commands?: readonly string[]
}

const ANSWER_WITHIN_MS = 15_000

export async function trySudo({ user, signal, ...command }: SudoTry): Promise<SudoTried> {
  const rule = await askForRule(user, command, signal)
  const client = clientOver({
    connect: async () => openSudoStream(user, command, silentLogger),
    unreachable: cause =>
      new HubError('sudo_helper_failed', { status: 500, message: 'The helper gave no answer.', cause }),
  })
  try {
    const { commands } = await client.call('hello', {}, { signal, timeoutMs: ANSWER_WITHIN_MS })
    return { rule, commands }
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return { rule, fault: error }
  } finally {
    client.close()
  }
}

/** sudo(8): `-l` with a command ends with 0 where it is permitted. */
function askForRule(user: string, { helper, sudo = ['sudo'] }: SudoCommand, signal: AbortSignal) {
  const [program, ...words] = sudo
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  return new Promise<SudoTried['rule']>(resolve => {
    execFile(program, [...words, '-n', '-l', '-u', user, '--', helper], { cwd: '/', env, signal }, error =>
      resolve(error ? 'refuses' : 'permits'),
    )
  })
}
