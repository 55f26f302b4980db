import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'
import { silentLogger } from '../core/runtime.ts'
import { formFields, formValues } from './form.ts'
import { createHubServer, type HubServerOptions } from './hub-server.ts'
import { queryValue } from './query.ts'
import { sendEventStream } from './sse.ts'

function testServer(options: Partial<HubServerOptions> = {}) {
  return createHubServer({ log: silentLogger, baseUrl: '/', ...options })
}

/** A logger that keeps what it is told. */
function listeningLogger() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message })
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return { log, lines }
}

describe('hub server', () => {
  it('sends the headers of the released hub on every response, errors included', async () => {
    const server = testServer({ headers: { 'X-Site': 'lab' } })
    server.get('/hub/api/', async () => ({ version: '6.1.1' }))

    const found = await server.inject('/hub/api/')
    const missing = await server.inject('/hub/nowhere')

    assert.equal(found.headers['x-jupyterhub-version'], '6.1.1')
    assert.equal(found.headers['access-control-allow-headers'], 'accept, content-type, authorization')
    assert.equal(
      found.headers['content-security-policy'],
      "frame-ancestors 'none'; report-uri /hub/security/csp-report; default-src 'none'",
    )
    assert.equal(missing.statusCode, 404)
    assert.equal(missing.headers['x-jupyterhub-version'], '6.1.1')
    assert.equal(missing.headers['x-site'], 'lab')
    assert.match(String(missing.headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.equal(missing.headers['x-content-type-options'], 'nosniff')
  })

  it('takes the headers of the site, and of its Content-Security-Policy each directive for itself', async () => {
    const server = testServer({
      headers: {
        'content-security-policy': "Frame-Ancestors 'self' https://lms.example.org; frame-ancestors *; img-src *",
        'Access-Control-Allow-Origin': '*',
        'Strict-Transport-Security': 'max-age=31536000',
      },
    })
    server.get('/hub/api/', async () => ({}))
    server.get('/hub/home', async () => 'home')

    const api = await server.inject('/hub/api/')
    const page = await server.inject('/hub/home')

    assert.equal(
      api.headers['content-security-policy'],
      "Frame-Ancestors 'self' https://lms.example.org; report-uri /hub/security/csp-report; default-src 'none'; img-src *",
    )
    assert.equal(
      page.headers['content-security-policy'],
      "default-src 'self'; img-src *; object-src 'none'; base-uri 'self'; Frame-Ancestors 'self' https://lms.example.org; report-uri /hub/security/csp-report",
    )
    assert.equal(page.headers['access-control-allow-origin'], '*')
    assert.equal(page.headers['strict-transport-security'], 'max-age=31536000')
    assert.equal(api.headers['cache-control'], 'no-store')
  })

  it('learns the typed host from the header that the site names, of proxies it trusts alone', async () => {
    const server = testServer({ forwardedHostHeader: 'X-Original-Host', trustedDownstreamIps: ['10.0.0.1'] })
    server.get('/hub/api/host', async request => request.host)
    const headers = { host: 'inside:8081', 'x-original-host': 'jupyter.example.org', 'x-forwarded-host': 'between' }

    const trusted = await server.inject({ url: '/hub/api/host', headers, remoteAddress: '10.0.0.1' })
    const stranger = await server.inject({ url: '/hub/api/host', headers, remoteAddress: '10.0.0.2' })

    assert.equal(trusted.body, 'jupyter.example.org')
    assert.equal(stranger.body, 'inside:8081')
  })

  it('answers OPTIONS of known API paths with an empty 200, wrong methods with 405, unknown paths with 404', async () => {
    const server = testServer({ baseUrl: '/jupyter/' })
    await server.register(
      async scope => {
        scope.get('/hub/api/users/:name', async () => ({}))
        scope.get('/hub/home', async () => 'home')
      },
      { prefix: '/jupyter' },
    )

    const options = await server.inject({ method: 'OPTIONS', url: '/jupyter/hub/api/users/alice' })
    const wrong = await server.inject({ method: 'PUT', url: '/jupyter/hub/api/users/alice' })
    const unknown = await server.inject({ method: 'OPTIONS', url: '/jupyter/hub/api/nothing' })
    const page = await server.inject({ method: 'OPTIONS', url: '/jupyter/hub/home' })
    const head = await server.inject({ method: 'HEAD', url: '/jupyter/hub/home' })

    assert.deepEqual([options.statusCode, options.body], [200, ''])
    assert.deepEqual([wrong.statusCode, wrong.headers.allow], [405, 'GET'])
    assert.equal(wrong.json().status, 405)
    assert.equal(unknown.statusCode, 404)
    assert.equal(page.statusCode, 405)
    assert.deepEqual([head.statusCode, head.body], [405, ''])
  })

  it('decodes names as JupyterHub does', async () => {
    const server = testServer()
    server.get<{ Params: { name: string } }>('/hub/api/users/:name', async request => ({ name: request.params.name }))
    const nameOf = async (text: string) => (await server.inject(`/hub/api/users/${text}`)).json().name

    assert.equal(await nameOf('a%40b.org'), 'a@b.org')
    assert.equal(await nameOf('a%2Fb'), 'a/b')
    assert.equal(await nameOf('%zz'), '%zz')
    assert.equal(await nameOf('%C3%A9'), 'é')
    assert.equal(await nameOf('x'.repeat(3000)), 'x'.repeat(3000))
    assert.equal((await server.inject('/hub/api/users/%ff')).statusCode, 400)
    assert.equal((await server.inject('/hub/api/users/%25ff')).json().name, '%ff')
  })

  it('does not climb with .. in a path', async t => {
    const server = testServer()
    server.get<{ Params: { name: string } }>('/hub/api/users/:name', async request => ({ name: request.params.name }))
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())

    for (const spelling of ['..', '%2e%2e', '%2E.']) {
      const answer = await rawRequest(
        url,
        `GET /hub/api/users/${spelling} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      assert.match(answer, /\{"name":"\.\."\}$/)
    }
  })

  it('reads API bodies as JSON whatever the content type, after the guards', async () => {
    const server = testServer()
    let allowed = true
    const guard = async () => {
      if (!allowed) throw new HubError('scope_missing', { status: 403, message: 'no' })
    }
    server.post('/hub/api/echo', { preHandler: guard }, async request => ({ got: request.body ?? null }))
    const post = (payload: string, type?: string) =>
      server.inject({ method: 'POST', url: '/hub/api/echo', payload, headers: type ? { 'content-type': type } : {} })

    assert.deepEqual((await post('{"a":1}', 'text/plain')).json(), { got: { a: 1 } })
    assert.deepEqual((await post('{"a":1}')).json(), { got: { a: 1 } })
    assert.deepEqual((await post('', 'application/json')).json(), { got: null })
    const broken = await post('{"a"', 'application/json')
    assert.equal(broken.statusCode, 400)
    assert.equal(broken.json().message, 'Invalid JSON in body of request')
    const form = await post('usernames=x', 'application/x-www-form-urlencoded')
    assert.equal(form.statusCode, 400)
    allowed = false
    assert.equal((await post('{"a"', 'application/json')).statusCode, 403)
  })

  it('reads forms of pages, urlencoded and multipart, and refuses repeated fields where one is meant', async () => {
    const server = testServer()
    server.post('/hub/spawn', async request => formFields(request))
    server.post('/hub/login', async request => formValues(request))
    const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }
    const multipart = '--x\r\nContent-Disposition: form-data; name="size"\r\n\r\nbig\r\n--x--\r\n'

    const many = await server.inject({
      method: 'POST',
      url: '/hub/spawn',
      payload: 'a=1&a=2&b=%20x',
      headers: urlencoded,
    })
    const parts = await server.inject({
      method: 'POST',
      url: '/hub/spawn',
      payload: multipart,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    })
    const twice = await server.inject({
      method: 'POST',
      url: '/hub/login',
      payload: 'username=a&username=b',
      headers: urlencoded,
    })
    const once = await server.inject({
      method: 'POST',
      url: '/hub/login',
      payload: 'username=a&__proto__=b',
      headers: urlencoded,
    })

    assert.deepEqual(many.json(), { a: ['1', '2'], b: [' x'] })
    assert.deepEqual(parts.json(), { size: ['big'] })
    assert.equal(twice.statusCode, 400)
    assert.equal(once.statusCode, 200)
    assert.match(once.body, /"username":"a"/)
  })

  it('refuses bodies over the limit with 413', async () => {
    const server = testServer({ bodyLimit: 100 })
    server.post('/hub/api/echo', async () => ({}))

    const answer = await server.inject({
      method: 'POST',
      url: '/hub/api/echo',
      payload: JSON.stringify('x'.repeat(200)),
    })

    assert.equal(answer.statusCode, 413)
    assert.equal(answer.json().code, 'body_too_large')
  })

  it('lets a client that is still sending hear of its 413', async () => {
    const server = testServer({ bodyLimit: 100 })
    server.post('/hub/login', async () => 'in')
    await server.listen({ port: 0 })
    const socket = connect((server.server.address() as AddressInfo).port)
    let heard = ''
    socket.on('data', chunk => (heard += chunk))
    socket.write('POST /hub/login HTTP/1.1\r\nHost: hub\r\nContent-Length: 8000000\r\n\r\n')

    for (let sent = 0; sent < 8_000_000; sent += 80_000) {
      if (!socket.write('x'.repeat(80_000))) await once(socket, 'drain')
    }

    socket.end()
    await once(socket, 'close')
    assert.match(heard, /^HTTP\/1\.1 413 /)
    await server.close()
  })

  it('reads a field that is repeated 200 000 times without being held up', async () => {
    const server = testServer({ bodyLimit: 1_000_000 })
    server.post('/hub/form', async request => formFields(request).a!.length)

    const answer = await server.inject({
      method: 'POST',
      url: '/hub/form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'a=1&'.repeat(200_000),
    })

    assert.equal(answer.body, '200000')
  })

  it('tells nobody what an unexpected error says, and logs it once with the reference', async () => {
    const { log, lines } = listeningLogger()
    const server = testServer({ log })
    server.get('/hub/api/boom', async () => {
      throw new Error('secret path /etc/x')
    })

    const answer = await server.inject('/hub/api/boom?token=abc&x=1')

    assert.equal(answer.statusCode, 500)
    assert.ok(!answer.body.includes('secret'))
    const errors = lines.filter(line => line.level === 'error')
    assert.equal(errors.length, 1)
    assert.equal(errors[0]!.fields.reference, answer.json().reference)
    assert.ok(!JSON.stringify(lines.map(line => line.fields.url)).includes('abc'))
  })

  it('shows errors of pages with the page that was handed over', async () => {
    const server = testServer()
    server.setErrorPage(vars => `<h1>${vars.status_code} ${vars.message}</h1>`)

    const answer = await server.inject('/hub/nowhere')

    assert.equal(answer.statusCode, 404)
    assert.match(String(answer.headers['content-type']), /^text\/html/)
    assert.equal(answer.body, '<h1>404 Not Found</h1>')
  })

  it('believes a forwarded address only from loopback and named proxies', async () => {
    const server = testServer({ trustedDownstreamIps: ['10.0.0.0/8'] })
    server.get('/hub/api/me', async request => ({ ip: request.ip }))
    const ipOf = async (remoteAddress: string, forwarded: string) =>
      (await server.inject({ url: '/hub/api/me', remoteAddress, headers: { 'x-forwarded-for': forwarded } })).json().ip

    assert.equal(await ipOf('127.0.0.1', '192.0.2.9'), '192.0.2.9')
    assert.equal(await ipOf('127.0.0.1', '192.0.2.9, 10.1.2.3'), '192.0.2.9')
    assert.equal(await ipOf('127.0.0.1', '192.0.2.9, 127.0.0.1'), '127.0.0.1')
    assert.equal(await ipOf('192.0.2.1', '192.0.2.9'), '192.0.2.1')
  })

  it('takes the last value of a repeated query field, trimmed', async () => {
    const server = testServer()
    server.get('/hub/api/q', async request => ({
      x: queryValue(request, 'x') ?? null,
      y: queryValue(request, 'y') ?? null,
    }))

    assert.deepEqual((await server.inject('/hub/api/q?x=1&x=%202%20&y')).json(), { x: '2', y: '' })
    assert.deepEqual((await server.inject('/hub/api/q')).json(), { x: null, y: null })
  })

  it('does not wait for ever for a client that sends its request drop by drop', async t => {
    const server = testServer({ requestTimeoutMs: 100 })
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())

    const halfHead = await rawRequest(url, 'GET /hub/api/ HTTP/1.1\r\nHost: x\r\n')
    const halfBody = await rawRequest(url, 'POST /hub/api/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')

    assert.match(halfHead, /^HTTP\/1\.1 408 /)
    assert.match(halfBody, /^HTTP\/1\.1 4\d\d /)
  })

  it('answers headers over the limit with 431 and goes on', async t => {
    const server = testServer()
    server.get('/hub/api/', async () => ({}))
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())

    const answer = await rawRequest(url, `GET /hub/api/ HTTP/1.1\r\nHost: x\r\nCookie: ${'a'.repeat(70_000)}\r\n\r\n`)

    assert.match(answer, /^HTTP\/1\.1 431 /)
    assert.equal((await fetch(`${url}/hub/api/`)).status, 200)
  })
})

describe('event stream', () => {
  it('sends events as they come, and tells the source when the client has gone', async t => {
    const server = testServer()
    let stopped = false
    server.get('/hub/api/progress', (request, reply) =>
      sendEventStream(request, reply, async function* (signal) {
        yield { data: { progress: 10 }, id: 1 }
        await sleep(60_000, undefined, { signal }).catch(() => {})
        stopped = signal.aborted
      }),
    )
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => server.close())
    const client = new AbortController()

    const answer = await fetch(`${url}/hub/api/progress`, { signal: client.signal })
    const { value } = await answer.body!.getReader().read()
    client.abort()

    assert.equal(answer.headers.get('content-type'), 'text/event-stream')
    assert.equal(answer.headers.get('x-jupyterhub-version'), '6.1.1')
    assert.equal(Buffer.from(value!).toString(), 'id: 1\ndata: {"progress":10}\n\n')
    while (!stopped) await sleep(5)
  })

  it('answers an error before the first event as an ordinary error', async () => {
    const server = testServer()
    server.get('/hub/api/progress', (request, reply) =>
      // biome-ignore lint/correctness/useYield: it fails before it has anything to say
      sendEventStream(request, reply, async function* () {
        throw new HubError('not_starting', { status: 400, message: 'is not starting' })
      }),
    )

    const answer = await server.inject('/hub/api/progress')

    assert.equal(answer.statusCode, 400)
    assert.equal(answer.json().message, 'is not starting')
  })

  it('ends when the server closes, while requests in work are answered', async () => {
    const server = testServer()
    const entered = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    server.get('/hub/api/slow', async () => {
      entered.resolve()
      await leave.promise
      return { done: true }
    })
    server.get('/hub/api/progress', (request, reply) =>
      sendEventStream(request, reply, async function* (signal) {
        yield { data: 1 }
        await once(signal, 'abort')
      }),
    )
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    const slow = fetch(`${url}/hub/api/slow`)
    const stream = await fetch(`${url}/hub/api/progress`)
    await entered.promise

    const closed = server.close()
    leave.resolve()

    assert.deepEqual(await (await slow).json(), { done: true })
    assert.equal(await stream.text(), 'data: 1\n\n')
    await closed
  })
})

async function rawRequest(url: string, text: string): Promise<string> {
  const { port } = new URL(url) as URL & AddressInfo
  const socket = connect(Number(port), '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}
