import { empty, json, type Operation, stream } from '../../http/operation.ts'
import { USER } from '../../http/path-parts.ts'
import { serverSchema } from './answers.ts'
import { serverBody, serverChanges, serverRemoval } from './request-body.ts'

const servers = { tag: 'servers', params: { name: USER } } as const
const NOT_NOW = 'Too much starts or runs at present; `Retry-After` tells when to ask again.'

export const watchServers = {
  id: 'watchServers',
  tag: 'servers',
  summary: 'Follow the states of all servers',
  description:
    'The first event is of the type `begin`: nothing is missed from here on. Each later one is one line of JSON: `user`, ' +
    '`server` (as of a user) and `progress` (`percent` and `message` of a start under way, or null). Events of the type ' +
    '`usage` are lists of what running servers use, as of `listUsage`, every ten seconds. Only servers that the caller may ' +
    'read. Ends after ten minutes; ask again.',
  scopes: ['read:servers'],
  filtered: true,
  answers: { 200: stream('Events (WHATWG HTML, server-sent events).', 'text/event-stream') },
} satisfies Operation

/** The same for the default server and for named ones: ids of the document end in what they are about. */
export function serverOperations(which: 'DefaultServer' | 'UnnamedServer' | 'NamedServer') {
  return {
    show: {
      ...servers,
      id: `get${which}`,
      summary: 'Show a server',
      scopes: ['read:servers'],
      answers: { 200: json('The server.', serverSchema) },
    },
    create: {
      ...servers,
      id: `create${which}`,
      summary: 'Create a server without starting it',
      scopes: ['start:servers'],
      body: serverBody,
      bodyExample: { display_name: 'Deep learning', user_options: { image: 'gpu' } },
      answers: { 201: json('The new server.', serverSchema) },
      faults: { 409: 'It exists already, as default servers always do.' },
    },
    start: {
      ...servers,
      id: `start${which}`,
      summary: 'Start a server',
      description:
        'Without `user_options` those of its last start are used. A body with neither of the two fields is taken for the ' +
        'options themselves.',
      scopes: ['start:servers'],
      body: serverBody,
      bodyExample: { user_options: { image: 'gpu' } },
      answers: { 201: empty('It runs.'), 202: empty('It is starting; `progress` tells more.') },
      faults: { 429: NOT_NOW, 500: 'It did not start; `code` and `message` tell why.', 503: NOT_NOW },
    },
    change: {
      ...servers,
      id: `change${which}`,
      summary: 'Rename a stopped server or change its options',
      scopes: ['start:servers'],
      body: serverChanges,
      bodyExample: { display_name: 'Statistics' },
      answers: { 200: json('The server as it is now.', serverSchema) },
      faults: { 409: 'There is a server of this name.' },
    },
    stop: {
      ...servers,
      id: `stop${which}`,
      summary: 'Stop a server',
      scopes: ['delete:servers'],
      body: serverRemoval,
      bodyExample: { remove: false },
      answers: { 202: empty('It is stopping.'), 204: empty('It does not run.') },
    },
    progress: {
      ...servers,
      id: `watch${which}`,
      summary: 'Follow the start of a server',
      description:
        'Each event is one line of JSON: `progress` (percent), `message`, perhaps `html_message` and `raw_event`. The last ' +
        'one has `ready` and `url`, or `failed` and `reason`.',
      scopes: ['read:servers'],
      answers: {
        200: stream('Events until the start has ended (WHATWG HTML, server-sent events).', 'text/event-stream'),
      },
    },
  } satisfies Record<string, Operation>
}
