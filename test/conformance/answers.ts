/** Sends the script's requests and brings the answers into a form in which two hubs can be compared. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { SeenAnswer } from '../../src/http/openapi-testing.ts'
import type { Caller, Part, ScriptedRequest } from './requests.ts'

export interface HubUnderTest {
  /** The hub itself, without a proxy in front. */
  readonly url: string
  readonly tokens: Readonly<Record<Caller, string | undefined>>
  /** Of the caller `browser`. */
  readonly cookies: { readonly header: string; readonly xsrf: string }
}

export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly location: string
  readonly isEmpty: boolean
  /** Those that a browser or client acts upon. */
  readonly headers: Readonly<Record<string, string>>
  /** Name, whether it is set or cleared, and attributes of each cookie. */
  readonly cookies: readonly string[]
  /** Parsed when it is JSON. */
  readonly json: unknown
  /** As it came. */
  readonly seen: SeenAnswer
}

/** The script in order; ids that a request keeps are this hub's own. */
export async function runScript(hub: HubUnderTest, script: readonly ScriptedRequest[]): Promise<Answer[]> {
  const kept = new Map([['xsrf', encodeURIComponent(hub.cookies.xsrf)]])
  const answers: Answer[] = []
  for (const step of script) {
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => kept.get(name) ?? 'missing')
    const body = typeof step.body === 'string' ? fill(step.body) : step.body
    const { answer, id, code } = await send(hub, { ...step, path: fill(step.path), body })
    if (step.keepId && id !== undefined) kept.set(step.keepId, id)
    if (step.keepCode && code !== undefined) kept.set(step.keepCode, code)
    answers.push(answer)
  }
  return answers
}

export interface Difference {
  readonly part: Part
  readonly theirs: unknown
  readonly ours: unknown
}

/** What differs between the released hub's answer and ours. */
export function differences(theirs: Answer, ours: Answer): Difference[] {
  const parts: Difference[] = [
    { part: 'status', theirs: theirs.status, ours: ours.status },
    { part: 'location', theirs: theirs.location, ours: ours.location },
  ]
  // An empty body has no type worth naming.
  if (!theirs.isEmpty && !ours.isEmpty) {
    parts.push({ part: 'content-type', theirs: theirs.contentType, ours: ours.contentType })
  }
  if (isError(theirs.json) && isError(ours.json)) {
    // JupyterHub often sends no message at all; any sentence is better.
    if (theirs.json.message !== null)
      parts.push({ part: 'message', theirs: theirs.json.message, ours: ours.json.message })
  } else {
    parts.push({ part: 'body', theirs: theirs.json, ours: ours.json })
  }
  return parts.filter(isDifferent)
}

/** The same of headers and cookies. */
export function headerDifferences(theirs: Answer, ours: Answer): Difference[] {
  const parts: Difference[] = [
    { part: 'headers', theirs: theirs.headers, ours: ours.headers },
    { part: 'cookies', theirs: theirs.cookies, ours: ours.cookies },
  ]
  return parts.filter(isDifferent)
}

function isDifferent({ theirs, ours }: Difference): boolean {
  return JSON.stringify(theirs) !== JSON.stringify(ours)
}

function send(hub: HubUnderTest, step: ScriptedRequest) {
  const token = hub.tokens[step.who]
  return sendAs(hub.url, step, {
    ...(token === undefined ? {} : { authorization: `token ${token}` }),
    ...(step.who === 'browser' ? { cookie: hub.cookies.header } : {}),
  })
}

/** `credentials`: headers that tell who is asking. */
export async function sendAs(
  url: string,
  step: Omit<ScriptedRequest, 'who'>,
  credentials: Record<string, string>,
): Promise<{ answer: Answer; id?: string | undefined; code?: string | undefined }> {
  const payload =
    step.body === undefined ? undefined : typeof step.body === 'string' ? step.body : JSON.stringify(step.body)
  const raw = await rawRequest(url, step.method, step.path, payload, {
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    ...credentials,
    ...step.headers,
  })
  const contentType = (raw.headers['content-type'] ?? '').split(';')[0]!
  const parsed = contentType === 'application/json' && raw.body !== '' ? JSON.parse(raw.body) : undefined
  const answer = {
    status: raw.status,
    contentType,
    location: (raw.headers.location ?? '').replace(url, '').replace(/(code(?:=|%3D))[\w-]{43}/, '$1SECRET'),
    isEmpty: raw.body === '',
    headers: headersToCompare(raw.headers),
    cookies: cookieShapes(raw.headers['set-cookie'] ?? []),
    json: normal(parsed, url),
    seen: { method: step.method, url: step.path, status: raw.status, contentType, body: raw.body },
  }
  const { id, code } = (parsed ?? {}) as { id?: string; code?: string } // what the script keeps
  return { answer, id, code }
}

function rawRequest(
  base: string,
  method: string,
  path: string,
  body: string | undefined,
  headers: Record<string, string>,
) {
  const { hostname, port } = new URL(base)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, method, path, headers: { ...headers, ...length }, agent: false },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

const COMPARED_HEADERS = [
  'x-jupyterhub-version',
  'access-control-allow-headers',
  'access-control-allow-origin',
  'retry-after',
  'www-authenticate',
]

function headersToCompare(headers: IncomingHttpHeaders): Record<string, string> {
  const found = COMPARED_HEADERS.filter(name => headers[name] !== undefined)
  return Object.fromEntries(found.map(name => [name, String(headers[name]).toLowerCase()]))
}

/** Names and attributes; values and dates are each hub's own. */
export function cookieShapes(lines: readonly string[]): string[] {
  return lines
    .map(line => {
      const [pair = '', ...attributes] = line.split(/;\s*/)
      const name = pair.slice(0, pair.indexOf('='))
      const value = pair.endsWith('=') || pair.endsWith('=""') ? 'cleared' : 'set'
      const kinds = attributes.map(text => (/^expires=/i.test(text) ? 'expires' : text.toLowerCase()))
      return [name, value, ...kinds.sort()].join('; ')
    })
    .sort()
}

/** Ids, times, secrets and ports are each hub's own; sets have no order. */
function normal(value: unknown, hubUrl: string, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map(item => normal(item, hubUrl))
    return UNORDERED.has(key) ? items.sort() : items
  }
  if (typeof value === 'object' && value !== null) {
    const shared = Object.entries(value).filter(([name]) => name !== 'reason') // ours alone: why a server ended
    const entries = shared.map(([name, item]) => [name, normal(item, hubUrl, name)] as const)
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  // JupyterHub writes activity down before it answers, Orrery soon after.
  if (key === 'last_activity') return 'ACTIVITY'
  // Absent in the reference hub, which is told no public address.
  if (key === 'full_url' || key === 'full_progress_url' || key === 'full_accept_url') return 'URL'
  // JupyterHub shows null until it has looked at the server for the first time, then an empty object.
  if ((key === 'state' || key === 'user_options') && value === null) return {}
  if (typeof value !== 'string') return value
  if (key === 'token' || key === 'code') return 'SECRET'
  if (key === 'accept_url') return value.replace(/code=[\w-]+$/, 'code=SECRET')
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return 'TIME'
  return value.replaceAll(/\ba\d+\b/g, 'ID').replaceAll(hubUrl, '')
}

const UNORDERED = new Set(['scopes', 'roles', 'groups', 'users'])

function isError(json: unknown): json is { status: number; message: string | null } {
  return typeof json === 'object' && json !== null && 'status' in json && 'message' in json
}
