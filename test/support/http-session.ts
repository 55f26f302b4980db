import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { Readable } from 'node:stream'

/** A browser without pages: cookies by path, redirects followed, forms posted with their `_xsrf`. */
export class HttpSession {
  readonly #cookies = new Map<string, { value: string; path: string }>()
  readonly #base: string
  readonly #options: RequestOptions

  /**
   * @param base for example `http://127.0.0.1:8000`; the session never leaves it.
   * @param options for all its requests: `ca`, `localAddress`
   */
  constructor(base: string, options: RequestOptions = {}) {
    this.#base = base
    this.#options = options
  }

  cookie(name: string): string | undefined {
    return [...this.#cookies].find(([key]) => key.startsWith(`${name};`))?.[1].value
  }

  setCookie(name: string, value: string, path: string): void {
    this.#cookies.set(`${name};${path}`, { value, path })
  }

  /** What it sends as `Cookie` to a path. */
  cookieHeader(path: string): string {
    return [...this.#cookies]
      .filter(([, { path: at }]) => path.startsWith(at))
      .sort((a, b) => b[1].path.length - a[1].path.length)
      .map(([key, { value }]) => `${key.split(';')[0]}=${value}`)
      .join('; ')
  }

  /** One request, no redirect followed; cookies are sent and kept. */
  async once(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, this.#base)
    if (url.origin !== new URL(this.#base).origin) throw new Error(`${url} leaves ${this.#base}`)
    const headers = new Headers(init.headers)
    const cookies = this.cookieHeader(url.pathname)
    if (cookies !== '') headers.set('cookie', cookies)
    if (!headers.has('sec-fetch-mode')) headers.set('sec-fetch-mode', 'navigate')
    const response = await requestLikeBrowser(url, init, headers, this.#options)
    for (const line of response.headers.getSetCookie()) this.#keep(line, url)
    return response
  }

  /** Follows redirects; `response.url` is where it ended. */
  async go(path: string, init: RequestInit = {}): Promise<Response & { readonly at: string }> {
    let at = new URL(path, this.#base).href
    let response = await this.once(at, init)
    for (let hops = 0; response.status >= 300 && response.status < 400 && response.headers.has('location'); hops++) {
      if (hops > 20) throw new Error(`redirects without end at ${at}`)
      await response.body?.cancel()
      at = new URL(response.headers.get('location')!, at).href
      response = await this.once(at)
    }
    return Object.assign(response, { at })
  }

  /** Signs in by the form of the login page; returns the page that follows. */
  async signIn(name: string, password: string, next = '/hub/home'): Promise<Response & { readonly at: string }> {
    const login = await this.go(`/hub/login?next=${encodeURIComponent(next)}`)
    const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(await login.text())?.[1]
    if (xsrf === undefined) throw new Error('the login page has no _xsrf field')
    return this.go(`/hub/login?next=${encodeURIComponent(next)}`, {
      method: 'POST',
      body: new URLSearchParams({ _xsrf: xsrf, username: name, password }),
    })
  }

  #keep(line: string, url: URL): void {
    const [pair, ...attributes] = line.split(';').map(part => part.trim())
    const name = pair!.slice(0, pair!.indexOf('='))
    const value = pair!.slice(pair!.indexOf('=') + 1)
    const attribute = (wanted: string) =>
      attributes.find(text => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
    const path = attribute('path') ?? url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1)
    const gone =
      attribute('max-age') === '0' ||
      (attribute('expires') !== undefined && Date.parse(attribute('expires')!) < Date.now())
    if (gone) this.#cookies.delete(`${name};${path}`)
    else this.#cookies.set(`${name};${path}`, { value, path })
  }
}

/** Not `fetch`, which says of every request that a script makes it: hub and servers then ask for an xsrf token. */
async function requestLikeBrowser(
  url: URL,
  init: RequestInit,
  headers: Headers,
  options: RequestOptions,
): Promise<Response> {
  const outgoing = new Request(url, { ...init, headers })
  const body = outgoing.body ? Buffer.from(await outgoing.arrayBuffer()) : undefined
  for (const [name, value] of outgoing.headers) headers.set(name, value)
  if (body) headers.set('content-length', String(body.length))
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const method = init.method ?? 'GET'
  const request = send(url, { ...options, method, headers: Object.fromEntries(headers) }, resolve)
  request.on('error', reject).end(body)
  const incoming = await promise
  const received = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct))
    for (const value of values ?? []) received.append(name, value)
  const empty = [101, 204, 205, 304].includes(incoming.statusCode!)
  if (empty) incoming.resume()
  return new Response(empty ? null : (Readable.toWeb(incoming) as ReadableStream), {
    status: incoming.statusCode!,
    headers: received,
  })
}
