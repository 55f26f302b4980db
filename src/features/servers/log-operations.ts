import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { may } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { type Operation, stream, text } from '../../http/operation.ts'
import { USER } from '../../http/path-parts.ts'

/** A log is more than a state: who may read that a server runs may not read what it prints. */
const SCOPES = ['servers', 'admin:server_state'] as const

export async function mayReadLog(access: Access, identity: Identity, key: ServerKey): Promise<boolean> {
  for (const scope of SCOPES) if (await may(access, identity, scope, key)) return true
  return false
}

const EVENTS = 'Events (WHATWG HTML, server-sent events), until the server is gone.'
const logs = {
  tag: 'servers',
  params: { name: USER },
  scopes: SCOPES,
  faults: { 404: 'The spawner keeps no logs.' },
} as const

export const MOST_LINES = 10_000
export const USUAL_LINES = 200

const logQuery = () =>
  z.object({ lines: z.int().min(1).max(MOST_LINES).optional().meta({ description: 'Only the last lines.' }) })

const followQuery = () =>
  z.object({
    lines: z.int().min(0).max(MOST_LINES).default(USUAL_LINES).meta({ description: 'How many lines to begin with.' }),
  })

/** As `serverOperations`. */
export function logOperations(which: 'DefaultServer' | 'UnnamedServer' | 'NamedServer') {
  return {
    download: {
      ...logs,
      id: `download${which}Log`,
      summary: "Download a server's log",
      description: 'What the latest run has printed, as far as it is kept. Tokens, cookies and passwords are masked.',
      query: logQuery,
      answers: { 200: text('The log; empty when nothing was printed.', 'text/plain') },
    },
    follow: {
      ...logs,
      id: `follow${which}Log`,
      summary: "Follow a server's log",
      description:
        'Each event is one line of JSON with `text`: whole lines, masked. An event `replace` stands in the place of all ' +
        'before it, one `lost` says that something before it is not kept any more, and `end` that the server is gone. ' +
        'Whoever comes back with `Last-Event-ID` goes on where they were. Ends after ten minutes; ask again.',
      query: followQuery,
      answers: { 200: stream(EVENTS, 'text/event-stream') },
    },
  } satisfies Record<string, Operation>
}
