/** What a program in front makes of bodies: large ones, streams, compressed ones. */
import { gunzipSync } from 'node:zlib'
import { bytesWords } from '../../core/for-browsers/usage-words.ts'
import { EVENT_GAP_MS } from '../../features/probe/probe-routes.ts'
import { failure, type Outcome, ok, warning } from '../check.ts'
import { echoIn, type Reached } from './reach.ts'
import { type Front, nameOf, remedyFor } from './remedies.ts'

const MIB = 1024 ** 2
/** From the smallest on, so that the message can say where it ends. */
const SIZES = [2 * MIB, 50 * MIB]

export async function bodyOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'body'>> {
  for (const bytes of SIZES) {
    const answer = await client
      .ask('echo', { method: 'POST', bodyBytes: bytes })
      .catch((error: NodeJS.ErrnoException) => error)
    const received = answer instanceof Error ? undefined : echoIn(answer)?.received
    if (received === bytes) continue
    const why = answer instanceof Error ? (answer.code ?? answer.message) : `status ${answer.status}`
    return failure(
      'body',
      `${nameOf(front)} refuses uploads of ${bytesWords(bytes)} (${why}): larger files and notebooks cannot be saved.`,
      remedyFor('body', front),
      { bytes, why },
    )
  }
  return ok('body', `Uploads of ${bytesWords(SIZES.at(-1)!)} come through.`)
}

/** A busy machine reads late what came in time, but not thrice. */
const STREAM_TRIES = 3

export async function streamOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'stream'>> {
  let gapMs = 0
  for (let tried = 0; tried < STREAM_TRIES; tried++) {
    // As browsers ask: whoever compresses holds back most.
    const asked = { headers: { 'accept-encoding': 'gzip' } }
    const { status, headers, body, firstByteMs, lastByteMs } = await client.ask('stream', asked)
    if (status !== 200 || !textOf(body, headers['content-encoding'])?.includes('second')) {
      return failure('stream', `A stream of events does not arrive (status ${status}).`, remedyFor('stream', front), {
        status,
      })
    }
    gapMs = Math.round(lastByteMs - firstByteMs)
    if (gapMs > EVENT_GAP_MS / 2) return ok('stream', 'Events arrive when they are sent.', { gap_ms: gapMs })
  }
  return warning(
    'stream',
    `${nameOf(front)} holds streams back until they end: progress and answers of assistants arrive late and at once.`,
    remedyFor('stream', front),
    { gap_ms: gapMs },
  )
}

export async function compressionOutcome(
  { client }: Reached,
  front: Front | undefined,
): Promise<Outcome<'compression'>> {
  const { status, body, headers } = await client.ask('compressed', { headers: { 'accept-encoding': 'gzip' } })
  const told = headers['content-encoding']
  if (status === 200 && textOf(body, told)?.startsWith('compressed once. '))
    return ok('compression', 'What is compressed arrives as it is.')
  return failure(
    'compression',
    `What is compressed arrives damaged (Content-Encoding: ${told ?? 'none'}): pages stay empty.`,
    remedyFor('compression', front),
  )
}

/** Undefined for what is not what its header says. */
function textOf(body: Buffer, encoding: string | undefined): string | undefined {
  try {
    return (encoding === 'gzip' ? gunzipSync(body) : body).toString()
  } catch {
    return undefined
  }
}
