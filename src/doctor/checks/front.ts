import { AS_ROOT, defineCheck, failure, type Outcome, type Site, skipped } from '../check.ts'
import { bodyOutcome, compressionOutcome, streamOutcome } from '../front/bodies.ts'
import { frontClient } from '../front/front-client.ts'
import {
  addressOutcome,
  hostOutcome,
  longHeadOutcome,
  methodsOutcome,
  pathOutcome,
  schemeOutcome,
} from '../front/head-fields.ts'
import { probeKey } from '../front/probe-secret.ts'
import { type Reached, reach } from '../front/reach.ts'
import { type Front, type FrontFault, frontOf, remedyFor } from '../front/remedies.ts'
import { idleOutcome, webSocketOutcome } from '../front/web-socket.ts'

/** What each program in front can get wrong. */
type Tried = FrontFault

/**
 * Real requests through the public address to probes of the hub. Nobody else gets an answer there: the key that is sent
 * along follows from the cookie secret and is good for some minutes.
 */
export const frontCheck = defineCheck({
  id: 'front',
  title: 'The public address, and what stands in front',
  timeoutMs: 120_000,
  items: {
    reach:
      'The public address (`publicUrl`, or `--url`) leads to this hub. Takes an Orrery that runs, and the rest follows from it.',
    certificate: 'Its certificate is trusted, is for that name, and does not run out soon.',
    host: '`Host` arrives as people type it.',
    scheme: '`X-Forwarded-Proto` tells how people come.',
    address: 'Orrery sees where people come from, and nobody can claim another address.',
    methods: 'POST, PUT, PATCH and DELETE come through.',
    path: 'Encoded letters in paths arrive as they are.',
    'long-head': 'Addresses and headers of 7 KB come through.',
    body: 'Uploads of 2 and of 50 MB come through.',
    stream: 'Events of a stream arrive when they are sent.',
    compression: 'What is compressed is not compressed or unpacked again.',
    websocket: 'WebSockets come through.',
    idle: 'With `--idle SECONDS`: a WebSocket may be silent for so long.',
  },
  async run(site, signal) {
    const key = probeKey(site)
    if (key === undefined)
      return [skipped('reach', 'What opens the probes of the hub cannot be read from this account.', AS_ROOT)]
    const { outcomes, reached } = await reach(frontClient(site.publicUrl, key, signal), site)
    return reached ? [...outcomes, ...(await tryAll(reached, site, signal))] : outcomes
  },
})

async function tryAll(reached: Reached, site: Site, signal: AbortSignal): Promise<Outcome<Tried>[]> {
  const front = frontOf(reached.answer.headers)
  const { idleSeconds } = site
  const tries: (readonly [Tried, Promise<Outcome<Tried>>])[] = [
    ['host', Promise.resolve(hostOutcome(reached, front))],
    ['scheme', Promise.resolve(schemeOutcome(reached, front))],
    ['address', addressOutcome(reached, front, site)],
    ['methods', methodsOutcome(reached, front)],
    ['path', pathOutcome(reached, front)],
    ['long-head', longHeadOutcome(reached, front)],
    ['body', bodyOutcome(reached, front)],
    ['stream', streamOutcome(reached, front)],
    ['compression', compressionOutcome(reached, front)],
    ['websocket', webSocketOutcome(reached, front)],
    ...(idleSeconds === undefined ? [] : [['idle', idleOutcome(reached, front, idleSeconds, signal)] as const]),
  ]
  return Promise.all(tries.map(([item, tried]) => tried.catch(error => broken(item, error, front))))
}

/** Something in front has closed the connection in the midst of it. */
function broken(item: Tried, { code, message }: NodeJS.ErrnoException, front: Front | undefined): Outcome<Tried> {
  return failure(item, `The connection broke (${code ?? message}).`, remedyFor(item, front))
}
