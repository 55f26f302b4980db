/**
 * JupyterHub's event log: a line of JSON for each server that was started or stopped, in the envelope of
 * jupyter_events and by JupyterHub's schema `server-action`, version 1. As there, servers that end by themselves and
 * starts that fail leave no line.
 */
import { appendFile, open } from 'node:fs/promises'
import { HubError } from '../../core/errors.ts'
import { background, type Clock, type Logger } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'

const SCHEMA = { __schema__: 'https://schema.jupyter.org/jupyterhub/events/server-action', __schema_version__: '1' }

export interface ServerActionLog {
  /** Returns at once; a line that cannot be written is told in the hub's log. */
  record(action: 'start' | 'stop', key: ServerKey): void
  /** Returns when every line is in the file. */
  close(): Promise<void>
}

/**
 * The file is opened for each line, so it can be renamed at any time (logrotate without a signal). Throws HubError
 * `event_log_unwritable` when it cannot be written now.
 */
export async function openServerActionLog(
  file: string,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<ServerActionLog> {
  await probe(file)
  let last: Promise<void> = Promise.resolve()
  return {
    record(action, { user, server }) {
      const event = { ...SCHEMA, __metadata_version__: 1, action, username: user, servername: server }
      const line = `${JSON.stringify({ __timestamp__: clock.now().toISOString(), ...event })}\n`
      last = last.catch(() => {}).then(() => appendFile(file, line, { mode: 0o640 }))
      background(last, 'event log', log)
    },
    close: () => last.catch(() => {}),
  }
}

async function probe(file: string): Promise<void> {
  try {
    await (await open(file, 'a', 0o640)).close()
  } catch (cause) {
    throw new HubError('event_log_unwritable', {
      status: 500,
      message: `The event log ${file} cannot be written.`,
      nextStep: 'Give its folder to the Linux user that the hub runs as, or name another file in events.file.',
      cause,
    })
  }
}
