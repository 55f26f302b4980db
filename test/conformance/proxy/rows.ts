/** The shape of the table: command lines, and under each what is asked and what both programs answer. */
import type { ProxyProgram } from '../../../src/proxy/testing/spawn-proxy.ts'
import type { Answer, Launch, Ports, RunningProgram } from './program.ts'
import type { Site } from './site.ts'

export interface Row {
  readonly title: string
  /** What is seen, as JSON; ports are written `{port}`, `{api}`, `{echo}`, the site's folder `{dir}`. */
  see(proxy: RunningProgram, site: Site): Promise<unknown>
  /** Of both programs, or of this one where they differ. */
  readonly answer: unknown
  /** What configurable-http-proxy answers, and the entry of `docs/differences.md` that tells why. */
  readonly theirs?: unknown
  readonly differs?: string
  /** For rows on which the other program hangs. */
  readonly only?: ProxyProgram
}

export interface Setting extends Omit<Launch, 'flags' | 'sockets'> {
  /** Options that the rows are about. */
  readonly options: readonly string[]
  readonly flags: (site: Site, at: Ports & { readonly program: ProxyProgram }) => readonly string[]
  readonly sockets?: (site: Site, program: ProxyProgram) => Launch['sockets']
  readonly rows: readonly Row[]
}

type See = Row['see']
export const row = (title: string, see: See, answer: unknown): Row => ({ title, see, answer })
export const differs = (entry: string, title: string, see: See, answer: unknown, theirs: unknown): Row => ({
  ...row(title, see, answer),
  theirs,
  differs: entry,
})
/** Where the released program never answers, or an own process would be needed to see it. */
export const ownOnly = (entry: string, title: string, see: See, answer: unknown): Row => ({
  ...row(title, see, answer),
  differs: entry,
  only: 'orrery',
})

/** Status, chosen fields and body. Bodies of JSON are read; pages, whose words are each program's own, are `a page`. */
export function seen(answer: Answer, ...fields: string[]): unknown[] {
  const type = String(answer.headers['content-type'] ?? '')
  const body = /^application\/json/.test(type)
    ? JSON.parse(answer.body)
    : /<html/i.test(answer.body)
      ? 'a page'
      : answer.body
  return [answer.status, ...fields.map(field => answer.headers[field] ?? null), body]
}

/** What the echoing upstream saw. */
export function arrived(answer: Answer): Arrived {
  if (answer.status !== 200) throw new Error(`not echoed: ${answer.status} ${answer.body.slice(0, 200)}`)
  return JSON.parse(answer.body) as Arrived
}

export interface Arrived {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly rawHeaders: string[]
  readonly body: string
}
