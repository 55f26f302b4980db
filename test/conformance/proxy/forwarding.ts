/** Requests through both programs without any option: routes, paths, fields, bodies, responses. */
import { startUpstream } from '../../../src/proxy/testing/sockets.ts'
import { arrived, differs, ownOnly, type Row, row, type Setting, seen } from './rows.ts'
import { webSockets } from './web-sockets.ts'

const CLOSE = '\r\nConnection: close\r\n\r\n'
const firstLine = (text: string) => text.slice(0, text.indexOf('\r\n')).replace(/ [A-Z].*$/, '')

const paths: readonly Row[] = [
  row(
    'the longest route wins, by whole segments and with its capitals',
    async (proxy, { echo }) => {
      await proxy.addRoute('/a', `${echo.url}/one`)
      await proxy.addRoute('/a/b', `${echo.url}/two`)
      const urls = []
      for (const path of ['/a', '/a/', '/a/x?q=1', '/a/b', '/a/b/x', '/a/bc'])
        urls.push(arrived(await proxy.ask(path)).url)
      return [urls, (await proxy.ask('/ab')).status, (await proxy.ask('/A')).status]
    },
    [['/one/a', '/one/a/', '/one/a/x?q=1', '/two/a/b', '/two/a/b/x', '/one/a/bc'], 404, 404],
  ),
  row(
    'targets with a slash, a path and a query of their own',
    async (proxy, { echo }) => {
      await proxy.addRoute('/slash', `${echo.url}/`)
      await proxy.addRoute('/base', `${echo.url}/base/`)
      await proxy.addRoute('/query', `${echo.url}/base?k=v`)
      const paths = ['/slash/x', '/base/x', '/query/x', '/query/x?q=1', '/slash/x?', '/slash?a=/b?c']
      return Promise.all(paths.map(async path => arrived(await proxy.ask(path)).url))
    },
    ['/slash/x', '/base/base/x', '/base/query/x?k=v', '/base/query/x?k=v&q=1', '/slash/x', '/slash?a=/b?c'],
  ),
  row(
    'routes are found by the decoded path, which is forwarded as it was escaped',
    async (proxy, { echo }) => {
      await proxy.addRoute('/user/d%C3%BC/', echo.url)
      const paths = ['/user/d%C3%BC/lab%20a', '/user%2Fd%c3%bc/x', '/user/d%C3%BC/%2e%252F%3F']
      return Promise.all(paths.map(async path => arrived(await proxy.ask(path)).url))
    },
    ['/user/d%C3%BC/lab%20a', '/user%2Fd%c3%bc/x', '/user/d%C3%BC/%2e%252F%3F'],
  ),
  row(
    'dot segments are resolved before the route is looked for',
    async (proxy, { echo }) => {
      await proxy.addRoute('/dots/a', echo.url)
      await proxy.addRoute('/dots/b', `${echo.url}/b`)
      const paths = ['/dots/a/../b/x', '/dots/a/%2e%2E/b/x', '/dots/./b/x']
      return Promise.all(paths.map(async path => arrived(await proxy.ask(path)).url))
    },
    ['/b/dots/b/x', '/b/dots/b/x', '/b/dots/b/x'],
  ),
  row(
    'the health of the proxy itself, at this very address alone',
    async proxy => [
      seen(await proxy.ask('/_chp_healthz'), 'content-type'),
      (await proxy.ask('/_chp_healthz', { method: 'POST' })).status,
      (await proxy.ask('/_chp_healthz?x')).status,
      (await proxy.ask('/_chp_healthz/')).status,
    ],
    [[200, 'application/json', { status: 'OK' }], 200, 404, 404],
  ),
  row(
    'targets on Unix sockets, in both spellings',
    async (proxy, { socketPath }) => {
      const urls = []
      for (const scheme of ['http+unix', 'unix+http']) {
        await proxy.addRoute('/sock', `${scheme}://${encodeURIComponent(socketPath)}/base`)
        urls.push(arrived(await proxy.ask('/sock/x?q=1')).url)
      }
      return urls
    },
    ['/base/sock/x?q=1', '/base/sock/x?q=1'],
  ),
  differs(
    'proxy-broken-paths',
    'a path with broken escapes',
    async proxy => (await proxy.ask('/%zz')).status,
    400,
    500,
  ),
  differs(
    'proxy-double-slash',
    'a path that begins with two slashes',
    async (proxy, { echo }) => {
      await proxy.addRoute('/ds', echo.url)
      return (await proxy.ask('//any/ds/x')).status
    },
    404,
    200,
  ),
  differs(
    'proxy-absolute-form',
    'a request that names its host in the request line',
    async (proxy, { echo }) => {
      await proxy.addRoute('/abs', echo.url)
      const text = await proxy.raw(`GET http://named.example/abs HTTP/1.1\r\nHost: field.example${CLOSE}`)
      return (JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as { headers: object }).headers
    },
    {
      host: 'named.example',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'named.example',
      'x-forwarded-port': '80',
      'x-forwarded-proto': 'http',
      connection: 'keep-alive',
    },
    {
      host: 'field.example',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'field.example',
      'x-forwarded-port': '80',
      'x-forwarded-proto': 'http',
      connection: 'close',
    },
  ),
  differs(
    'proxy-odd-names',
    'a route called constructor',
    async (proxy, { echo }) => {
      await proxy.addRoute('/odd', echo.url)
      await proxy.addRoute('/', echo.url)
      const { status } = await proxy.ask('/constructor/x')
      await proxy.api('DELETE', '/')
      return status
    },
    200,
    500,
  ),
]

const FORWARDED = ['host', 'x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-host']

const fields: readonly Row[] = [
  row(
    'X-Forwarded-* of a direct request, and after another proxy',
    async (proxy, { echo }) => {
      await proxy.addRoute('/fwd', echo.url)
      const headersOf = async (headers: Record<string, string>) => {
        const seen = arrived(await proxy.ask('/fwd', { headers })).headers
        return FORWARDED.map(name => seen[name])
      }
      return [
        await headersOf({ host: 'hub.example:8443' }),
        await headersOf({ host: 'hub.example' }),
        await headersOf({
          host: 'hub.example',
          'x-forwarded-for': '192.0.2.1',
          'x-forwarded-proto': 'https',
          'x-forwarded-port': '443',
          'x-forwarded-host': 'www.example',
        }),
      ]
    },
    [
      ['hub.example:8443', '127.0.0.1', '8443', 'http', 'hub.example:8443'],
      ['hub.example', '127.0.0.1', '80', 'http', 'hub.example'],
      ['hub.example', '192.0.2.1,127.0.0.1', '443,80', 'https,http', 'www.example'],
    ],
  ),
  row(
    'cookies, tokens and repeated fields go on as they came',
    async (proxy, { echo }) => {
      await proxy.addRoute('/fields', echo.url)
      const headers = { cookie: 'a=1; b=2', authorization: 'token x', 'x-multi': ['1', '2'], 'accept-encoding': 'gzip' }
      const seen = arrived(await proxy.ask('/fields', { headers })).headers
      return Object.keys(headers).map(name => seen[name])
    },
    ['a=1; b=2', 'token x', '1, 2', 'gzip'],
  ),
  differs(
    'proxy-hop-by-hop',
    'fields for one hop',
    async (proxy, { echo }) => {
      await proxy.addRoute('/hop', echo.url)
      const headers = {
        connection: 'close, x-mine',
        'x-mine': '1',
        te: 'gzip',
        'keep-alive': 'timeout=5',
        'proxy-connection': 'x',
      }
      const seen = arrived(await proxy.ask('/hop', { headers })).headers
      return Object.keys(headers).filter(name => name !== 'connection' && seen[name] !== undefined)
    },
    [],
    ['x-mine', 'te', 'keep-alive', 'proxy-connection'],
  ),
  differs(
    'proxy-one-host',
    'two Host fields',
    async (proxy, { echo }) => {
      await proxy.addRoute('/hosts', echo.url)
      return firstLine(await proxy.raw(`GET /hosts HTTP/1.1\r\nHost: a\r\nHost: b${CLOSE}`))
    },
    'HTTP/1.1 400',
    'HTTP/1.1 200',
  ),
  row(
    'no Host field, conflicting lengths, a folded field, a field without a name',
    async proxy => {
      const heads = [
        'GET / HTTP/1.1',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked',
        'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded',
        'GET / HTTP/1.1\r\nHost: a\r\n: x',
      ]
      return Promise.all(heads.map(async head => firstLine(await proxy.raw(head + CLOSE))))
    },
    Array(5).fill('HTTP/1.1 400'),
  ),
]

const bodies: readonly Row[] = [
  row(
    'bodies of known length, in pieces, of none, and where one does not expect them',
    async (proxy, { echo }) => {
      await proxy.addRoute('/body', echo.url)
      const sent = async (method: string, body?: string | string[]) => {
        const seen = arrived(await proxy.ask('/body', { method, ...(body !== undefined && { body }) }))
        const { 'content-length': length, 'transfer-encoding': coding } = seen.headers
        return [seen.method, seen.body.length, length ?? null, coding ?? null]
      }
      return [
        await sent('PUT', 'x'.repeat(100_000)),
        await sent('POST', ['one ', 'two']),
        arrived(await proxy.ask('/body', { method: 'POST', headers: { 'content-length': 0 } })).body,
        arrived(await proxy.ask('/body', { method: 'DELETE', body: 'why', headers: { 'content-length': 3 } })).body,
        arrived(await proxy.ask('/body', { method: 'GET', body: 'what', headers: { 'content-length': 4 } })).body,
        await sent('PROPFIND'),
      ]
    },
    [['PUT', 100_000, '100000', null], ['POST', 7, null, 'chunked'], '', 'why', 'what', ['PROPFIND', 0, '0', null]],
  ),
  row(
    'status, reason and repeated fields of a response',
    async proxy => {
      await using upstream = await startUpstream((req, res) => {
        const status = Number(req.url!.slice('/st/'.length))
        res.writeHead(status, 'Own Reason', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', 'http://else/x'])
        res.end(req.method === 'HEAD' || status === 204 || status === 304 ? undefined : 'body')
      })
      await proxy.addRoute('/st', upstream.url)
      const answers = []
      for (const [status, method] of [[418], [204], [304], [200, 'HEAD'], [302], [500]] as [number, string?][]) {
        const { reason, headers, body } = await proxy.ask(`/st/${status}`, { method: method ?? 'GET' })
        answers.push([status, reason, headers['set-cookie'], headers.location, body])
      }
      return answers
    },
    [418, 204, 304, 200, 302, 500].map(status => [
      status,
      'Own Reason',
      ['a=1', 'b=2'],
      'http://else/x',
      [204, 304, 200].includes(status) ? '' : 'body',
    ]),
  ),
  row(
    'compressed bodies and their length are left alone',
    async proxy => {
      await using upstream = await startUpstream((_req, res) => {
        res.writeHead(200, { 'Content-Encoding': 'x-own', 'Content-Length': 4, ETag: '"e"' }).end('\0\x01\x02\x03')
      })
      await proxy.addRoute('/gz', upstream.url)
      return seen(await proxy.ask('/gz'), 'content-encoding', 'content-length', 'etag')
    },
    [200, 'x-own', '4', '"e"', '\0\x01\x02\x03'],
  ),
  row(
    'a stream arrives piece by piece, not at its end',
    async proxy => {
      await using upstream = await startUpstream((_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' })
        res.write('data: 1\n\n') // and never ends
      })
      await proxy.addRoute('/stream', upstream.url)
      return (await proxy.raw(`GET /stream HTTP/1.1\r\nHost: a\r\n\r\n`, 'data: 1')).includes('text/event-stream')
    },
    true,
  ),
  differs(
    'proxy-trailers',
    'trailers of a response',
    async proxy => {
      await using upstream = await startUpstream((_req, res) => {
        res.writeHead(200, { Trailer: 'X-Sum' })
        res.write('body')
        res.addTrailers({ 'X-Sum': '42' })
        res.end()
      })
      await proxy.addRoute('/trailers', upstream.url)
      return (await proxy.ask('/trailers')).trailers
    },
    { 'x-sum': '42' },
    {},
  ),
  differs(
    'proxy-continue',
    'who answers 100-continue',
    async proxy => {
      await using upstream = await startUpstream()
      upstream.server.on('checkContinue', (_req, res) => res.writeHead(413).end())
      await proxy.addRoute('/expect', upstream.url)
      const head = 'POST /expect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue'
      return firstLine(await proxy.raw(head + CLOSE, /\r\n\r\n/))
    },
    'HTTP/1.1 413',
    'HTTP/1.1 100',
  ),
  ownOnly(
    'proxy-broken-responses',
    'a response that breaks off',
    async proxy => {
      await using upstream = await startUpstream((_req, res) => {
        res.writeHead(200, { 'Content-Length': 100 })
        res.write('half')
        setImmediate(() => res.destroy())
      })
      await proxy.addRoute('/broken', upstream.url)
      return await proxy.ask('/broken').then(
        () => 'whole',
        () => 'broken off',
      )
    },
    'broken off',
  ),
]

export const forwarding: readonly Setting[] = [
  { options: ['no option'], flags: () => [], rows: [...paths, ...fields, ...bodies, ...webSockets] },
]
