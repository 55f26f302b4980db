/**
 * Asks a single-user server what it is doing. None of the questions counts as activity: `api/status` never does, the
 * others leave it out on request (Jupyter Server's `no_track_activity`).
 */
import { http, https } from '../../http/node-http.ts'
import type { ClientTls } from '../../pki/internal/client-tls.ts'
import type { Address } from '../../plugin/spawner.ts'
import { connectionTo } from '../../spawning/ask-server.ts'
import type { ServerReport } from './decide.ts'

export interface StatusQuestion {
  readonly address: Address
  /** `/user/alice/`. */
  readonly prefix: string
  /** One that may open this server. */
  readonly token: string
  /** For each of the requests. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** For a server with internal TLS. */
  readonly tls?: ClientTls | undefined
  /** Used where a server does not tell its own time. */
  readonly now: () => Date
}

/** Never rejects, unless the signal aborts. */
export async function askStatus(question: StatusQuestion): Promise<ServerReport> {
  const status = await get(question, 'api/status')
  if (!status) return { kind: 'silent' }
  // What is no Jupyter server does not know the path, leads to a login, or shows its page for every path.
  if (status.code === 404 || (status.code >= 300 && status.code < 400)) return { kind: 'no-status-api' }
  if (status.code !== 200) return { kind: 'unclear', why: `api/status answers ${status.code}` }
  const model = readStatus(status.body)
  if (!model) return { kind: 'no-status-api' }

  const [kernels, terminals] = await Promise.all([
    listOf(await get(question, 'api/kernels?no_track_activity=1')),
    // Without the extension for terminals there are none.
    listOf(await get(question, 'api/terminals?no_track_activity=1'), { missingIsEmpty: true }),
  ])
  if (!kernels) return { kind: 'unclear', why: 'api/kernels cannot be read' }
  if (!terminals) return { kind: 'unclear', why: 'api/terminals cannot be read' }
  const times = [model.lastActivity, ...[...kernels, ...terminals].map(({ last_activity }) => timeOf(last_activity))]
  const latest = Math.max(...times.filter(time => time !== undefined))
  return {
    kind: 'status',
    kernels: kernels.length,
    busy: kernels.filter(isBusy).length,
    connections: model.connections,
    terminals: terminals.length,
    idleSeconds: Math.max(0, ((timeOf(status.date) ?? question.now().getTime()) - latest) / 1000),
  }
}

/** What does not say that it rests is at work. A kernel that nobody has spoken to yet stays `starting`. */
function isBusy(kernel: Item): boolean {
  return !RESTING.has(String(kernel.execution_state))
}

const RESTING: ReadonlySet<string> = new Set([
  'idle',
  'starting',
  'restarting',
  'autorestarting',
  'terminating',
  'dead',
])

type Item = Readonly<Record<string, unknown>>

interface Answer {
  readonly code: number
  readonly date: string | undefined
  readonly body: unknown
}

function readStatus(body: unknown): { lastActivity: number; connections: number } | undefined {
  if (!isItem(body)) return undefined
  const lastActivity = timeOf(body.last_activity)
  if (lastActivity === undefined || typeof body.kernels !== 'number') return undefined
  return { lastActivity, connections: typeof body.connections === 'number' ? body.connections : 0 }
}

function listOf(answer: Answer | undefined, { missingIsEmpty = false } = {}): Item[] | undefined {
  if (answer?.code === 404 && missingIsEmpty) return []
  if (answer?.code !== 200 || !Array.isArray(answer.body) || !answer.body.every(isItem)) return undefined
  return answer.body
}

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Jupyter writes UTC with a `Z`; a time without a zone is UTC too. */
function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const hasZone = /(Z|GMT|[+-]\d\d:?\d\d)$/.test(value)
  const time = Date.parse(hasZone ? value : `${value}Z`)
  return Number.isNaN(time) ? undefined : time
}

const LARGEST_ANSWER = 4 * 2 ** 20

/** Undefined when nothing answers in time. A body that is too long or no JSON is undefined. */
async function get({ address, prefix, token, timeoutMs, signal, tls }: StatusQuestion, path: string) {
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
  const request = (address.proto === 'https' ? https : http).get(
    {
      ...connectionTo(address, tls),
      path: `${prefix}${path}`,
      headers: { Authorization: `token ${token}`, Accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    },
    response => {
      const chunks: Buffer[] = []
      let length = 0
      const end = (body: unknown) => {
        resolve({ code: response.statusCode ?? 0, date: response.headers.date, body })
        response.destroy()
      }
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > LARGEST_ANSWER) end(undefined)
        else chunks.push(chunk)
      })
      response.on('end', () => end(parsed(Buffer.concat(chunks).toString())))
      response.on('error', () => resolve(undefined))
    },
  )
  request.on('error', () => resolve(undefined))
  const answer = await promise
  signal.throwIfAborted()
  return answer
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
