/** Sends the script's requests and brings the answers into a form in which two hubs can be compared. */
import { request as httpRequest } from 'node:http'
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
  /** Parsed when it is JSON. */
  readonly json: unknown
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

/** What differs between the released hub's answer and ours. */
export function differences(theirs: Answer, ours: Answer): { part: Part; theirs: unknown; ours: unknown }[] {
  const parts: { part: Part; theirs: unknown; ours: unknown }[] = [
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
  return parts.filter(part => JSON.stringify(part.theirs) !== JSON.stringify(part.ours))
}

async function send(
  hub: HubUnderTest,
  step: ScriptedRequest,
): Promise<{ answer: Answer; id?: string | undefined; code?: string | undefined }> {
  const token = hub.tokens[step.who]
  const payload =
    step.body === undefined ? undefined : typeof step.body === 'string' ? step.body : JSON.stringify(step.body)
  const raw = await rawRequest(hub.url, step.method, step.path, payload, {
    ...(token === undefined ? {} : { authorization: `token ${token}` }),
    ...(step.who === 'browser' ? { cookie: hub.cookies.header } : {}),
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    ...step.headers,
  })
  const contentType = String(raw.headers['content-type'] ?? '').split(';')[0]!
  const parsed = contentType === 'application/json' && raw.body !== '' ? JSON.parse(raw.body) : undefined
  const answer = {
    status: raw.status,
    contentType,
    location: String(raw.headers.location ?? '').replace(hub.url, ''),
    isEmpty: raw.body === '',
    json: normal(parsed, hub.url),
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
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
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
