/**
 * A hub of pages for tests: real server, real access on a database in memory; servers and tokens kept in memory,
 * named as such.
 */
import type { FastifyInstance } from 'fastify'
import { cookieJar, type TestHub, testHub } from '../access/testing.ts'
import { HubError } from '../core/errors.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { ProgressEvent, ServerState } from '../core/server-state.ts'
import { createHubServer } from '../http/hub-server.ts'
import type { Authenticator } from '../plugin/authenticator.ts'
import type { OptionsForm } from '../plugin/spawner.ts'
import type {
  PageDeps,
  PageInvitation,
  PageServer,
  PageServers,
  PageSettings,
  PageShares,
  PageSignIn,
  PageToken,
  PageTokens,
  PageUsage,
} from './deps.ts'
import { createRenderer, type RendererOptions } from './render.ts'
import { pageRoutes } from './routes.ts'

export interface PagesHub {
  readonly app: FastifyInstance
  readonly hub: TestHub
  readonly servers: MemoryServers
  readonly tokens: MemoryTokens
  readonly shares: MemoryShares
  readonly deps: PageDeps
  /** A browser with a cookie jar. */
  visitor(): Visitor
  close(): Promise<void>
}

export interface PagesHubOptions {
  readonly settings?: Partial<PageSettings>
  readonly renderer?: Partial<RendererOptions>
  readonly authenticator?: Pick<Authenticator, 'name' | 'login' | 'routes'>
  readonly signIn?: Partial<PageSignIn>
  readonly apiDocument?: PageDeps['apiDocument']
  readonly authState?: PageDeps['authState']
  /** Routes beside the pages, for example of the REST API. */
  readonly routes?: (app: FastifyInstance, parts: { hub: TestHub; deps: PageDeps }) => Promise<void>
}

export const PASSWORD = 'correct horse'

export async function pagesHub(options: PagesHubOptions = {}): Promise<PagesHub> {
  const baseUrl = options.settings?.baseUrl ?? '/'
  const hub = await testHub({ baseUrl })
  const log = { ...silent, child: () => silent }
  const servers = memoryServers()
  const tokens = memoryTokens()
  const shares = memoryShares()
  const findUser = async (name: string) => {
    const row = await hub.database.db
      .selectFrom('users')
      .select(['id', 'name', 'admin'])
      .where('name', '=', name)
      .executeTakeFirst()
    return row && { id: row.id, name: row.name, admin: Boolean(row.admin), groups: await hub.access.groupsOf(name) }
  }
  const deps: PageDeps = {
    renderer: createRenderer({ baseUrl, ...options.renderer }),
    access: hub.access,
    users: { find: findUser },
    servers,
    tokens,
    shares,
    authenticator: options.authenticator ?? { name: 'dummy', login: { kind: 'form' } },
    signIn: { ...oneGoodPassword(findUser), ...options.signIn },
    settings: {
      baseUrl,
      redirectToServer: true,
      allowNamedServers: true,
      namedServerLimitPerUser: 0,
      tokenExpiresInMaxSeconds: 0,
      ...options.settings,
    },
    log,
    clock: hub.clock,
    ...(options.apiDocument && { apiDocument: options.apiDocument }),
    ...(options.authState && { authState: options.authState }),
  }
  const app = createHubServer({ log, baseUrl })
  await app.register(hub.access.hooks)
  await app.register(pageRoutes(deps), { prefix: baseUrl.slice(0, -1) })
  await options.routes?.(app, { hub, deps })
  return {
    app,
    hub,
    servers,
    tokens,
    shares,
    deps,
    visitor: () => new Visitor(app, baseUrl),
    async close() {
      await app.close()
      await hub.close()
    },
  }
}

const silent: PageDeps['log'] = { debug: noop, info: noop, warn: noop, error: noop, child: () => silent }

function noop(): void {}

/** Requests through the server without a socket, with the cookies a browser would keep. */
export class Visitor {
  #cookies = ''
  readonly #app: FastifyInstance
  readonly #hub: string

  constructor(app: FastifyInstance, baseUrl: string) {
    this.#app = app
    this.#hub = `${baseUrl}hub/`
  }

  get cookies(): string {
    return this.#cookies
  }

  async get(url: string, headers: Record<string, string> = {}) {
    const response = await this.#app.inject({ method: 'GET', url, headers: { cookie: this.#cookies, ...headers } })
    this.#cookies = cookieJar(response, this.#cookies)
    return response
  }

  /** Posts a form with the `_xsrf` field of the login page or of the page at `from`. */
  async post(url: string, form: Record<string, string>, options: { from?: string } = {}) {
    const page = await this.get(options.from ?? `${this.#hub}token`)
    const source = page.statusCode === 302 ? await this.get(`${this.#hub}login`) : page
    const xsrf = /data-xsrf="([^"]*)"/.exec(source.body)?.[1] ?? ''
    return this.postBare(url, { _xsrf: xsrf, ...form })
  }

  async postBare(url: string, form: Record<string, string>) {
    const response = await this.#app.inject({
      method: 'POST',
      url,
      payload: new URLSearchParams(form).toString(),
      headers: { cookie: this.#cookies, 'content-type': 'application/x-www-form-urlencoded' },
    })
    this.#cookies = cookieJar(response, this.#cookies)
    return response
  }

  signIn(username: string, password: string = PASSWORD, query = '') {
    return this.post(`${this.#hub}login${query}`, { username, password }, { from: `${this.#hub}login` })
  }
}

function oneGoodPassword(find: (name: string) => Promise<{ id: number; name: string } | undefined>): PageSignIn {
  const wrong = { refused: 'wrong_credentials', message: 'The name or the password is not right.' }
  return {
    async attempt({ form }) {
      const user = await find(form.username ?? '')
      return user && form.password === PASSWORD ? { user } : wrong
    },
    async admit({ name }) {
      const user = await find(name)
      return user ? { user } : { refused: 'not_allowed', message: `${name} may not sign in here.`, status: 403 }
    },
    throttle: async () => undefined,
  }
}

export interface MemoryServers extends PageServers {
  set(key: ServerKey, state: ServerState, more?: { lastActivity?: Date; displayName?: string }): void
  /** What was asked for: `start ada/` and the like. */
  readonly asked: string[]
  /** For whom a start was expected, each time. */
  readonly expected: string[]
  /** By the servers' names, for everybody. */
  readonly used: Map<string, PageUsage>
  form: OptionsForm | undefined
  /** What a start has come to before its page is answered. */
  quick: ServerState | undefined
  /** Thrown by the next start. */
  fault: Error | undefined
  events: ProgressEvent[]
  log: string
}

/** Servers that do at once what they are told, in memory. */
export function memoryServers(): MemoryServers {
  const rows = new Map<string, PageServer>()
  const id = (key: ServerKey) => `${key.user}/${key.server}`
  const stopped = (name: string): PageServer => ({ name, state: { phase: 'stopped' } })
  const memory: MemoryServers = {
    asked: [],
    expected: [],
    used: new Map(),
    form: undefined,
    quick: undefined,
    fault: undefined,
    events: [],
    log: '',
    set: (key, state, more = {}) => void rows.set(id(key), { name: key.server, state, ...more }),
    async list(user) {
      const own = [...rows].filter(([key]) => key.startsWith(`${user}/`)).map(([, server]) => server)
      return [rows.get(`${user}/`) ?? stopped(''), ...own.filter(server => server.name !== '')]
    },
    find: async key => rows.get(id(key)) ?? (key.server === '' ? stopped('') : undefined),
    usage: async () => memory.used,
    check: async () => undefined,
    expectStart: user => void memory.expected.push(user),
    optionsForm: async () => memory.form,
    async start(key, { options, requestedBy }) {
      if (memory.fault) throw memory.fault
      memory.asked.push(`start ${id(key)} by ${requestedBy} ${JSON.stringify(options ?? null)}`)
      memory.set(key, { phase: 'spawning', since: new Date(), percent: 0, message: 'Server requested' })
    },
    async settled(key) {
      if (memory.quick) memory.set(key, memory.quick)
    },
    async stop(key, { by }) {
      memory.asked.push(`stop ${id(key)} by ${by}`)
      memory.set(key, { phase: 'stopped' })
    },
    async remove(key) {
      memory.asked.push(`remove ${id(key)}`)
      rows.delete(id(key))
    },
    progress: async () => memory.events,
    logs: async () => memory.log,
    keepsLogs: true,
    async *wholeLog() {
      yield memory.log
    },
  }
  return memory
}

export interface MemoryTokens extends PageTokens {
  readonly made: { user: string; note: string; expiresInSeconds?: number; scopes?: readonly string[] }[]
  own: PageToken[]
  applications: { description: string; tokens: PageToken[] }[]
}

export function memoryTokens(): MemoryTokens {
  const memory: MemoryTokens = {
    made: [],
    own: [],
    applications: [],
    list: async () => ({ own: memory.own, applications: memory.applications }),
    async create(token) {
      if (token.scopes?.includes('no:such')) {
        throw new HubError('unknown_scope', { status: 400, message: 'There is no scope no:such.' })
      }
      memory.made.push(token)
      memory.own.push({
        apiId: `a${memory.own.length + 1}`,
        note: token.note,
        scopes: token.scopes ?? [],
        created: new Date(),
      })
      return `secret-${memory.own.length}`
    },
    async revoke(_user, apiId) {
      const before = memory.own.length
      memory.own = memory.own.filter(token => token.apiId !== apiId)
      return memory.own.length < before
    },
  }
  return memory
}

export interface MemoryShares extends PageShares {
  /** By code. */
  readonly offers: Map<string, PageInvitation>
  /** `bob: code`. */
  readonly accepted: string[]
}

export function memoryShares(): MemoryShares {
  const offers = new Map<string, PageInvitation>()
  const accepted: string[] = []
  const find = (code: string, user: { id: number }, statuses: { unknown: number; own: number }) => {
    const offer = offers.get(code)
    if (!offer) throw new HubError('share_code_unknown', { status: statuses.unknown, message: 'No such invitation.' })
    if (offer.owner.id === user.id) throw new HubError('share_code_own', { status: statuses.own, message: 'Own.' })
    return offer
  }
  return {
    offers,
    accepted,
    invitation: async (code, user) => find(code, user, { unknown: 404, own: 403 }),
    async accept(code, user) {
      const { owner, server } = find(code, user, { unknown: 400, own: 400 })
      accepted.push(`${user.name}: ${code}`)
      return { user: owner.name, server: server.name }
    },
  }
}
