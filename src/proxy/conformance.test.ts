/** What this proxy and the released configurable-http-proxy do alike: one table, run against both programs. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../test/support/until.ts'
import { connectRaw, echo, startUpstream, type Upstream } from './testing/sockets.ts'
import { type ProxyProgram, type SpawnedProxy, spawnProxy, TOKEN } from './testing/spawn-proxy.ts'

interface Case {
  readonly title: string
  run(proxy: SpawnedProxy, upstream: Upstream): Promise<void>
}

interface Echo {
  method: string
  url: string
  headers: Record<string, string>
  body: string
}

const get = async (proxy: SpawnedProxy, path: string, init: RequestInit = {}): Promise<Echo> =>
  (await fetch(proxy.url + path, init)).json() as Promise<Echo>

/** fetch normalises paths and owns some header fields; this does not. */
async function send(proxy: SpawnedProxy, head: string): Promise<Echo> {
  await using connection = connectRaw(proxy.port, `${head}\r\nConnection: close\r\n\r\n`)
  const text = await connection.untilClosed()
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
}

const lastActivity = async (proxy: SpawnedProxy, path: string): Promise<number> =>
  Date.parse(((await (await proxy.api('GET', path)).json()) as { last_activity: string }).last_activity)

const pages = mkdtempSync(join(tmpdir(), 'error-pages-'))
writeFileSync(join(pages, '404.html'), 'own 404')
writeFileSync(join(pages, 'error.html'), 'own page for the rest')

const suites: { flags: (upstream: Upstream) => string[]; name: string; cases: Case[] }[] = [
  {
    name: 'without options',
    flags: () => [],
    cases: [
      {
        title: 'keeps routes with all that was posted, one by one and as a table',
        async run(proxy, { url }) {
          const posted = await proxy.api('POST', '/user/ann/', { target: url, user: 'ann', jupyterhub: true })
          const one = await proxy.api('GET', '/user/ann')
          const table = (await (await proxy.api('GET', '')).json()) as Record<string, unknown>

          assert.deepEqual([posted.status, await posted.text()], [201, ''])
          assert.equal(one.headers.get('content-type'), 'application/json')
          const record = (await one.json()) as Record<string, unknown>
          assert.deepEqual(Object.keys(record), ['target', 'user', 'jupyterhub', 'last_activity'])
          assert.match(String(record.last_activity), /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/)
          assert.deepEqual(table['/user/ann'], record)
        },
      },
      {
        title: 'stores paths decoded and takes the root for no path',
        async run(proxy, { url }) {
          await proxy.api('POST', '/user/%C3%A4%40b%20c', { target: url })
          await proxy.api('POST', '', { target: url, root: 1 })

          const table = (await (await proxy.api('GET', '/')).json()) as Record<string, { root?: number }>

          assert.ok(table['/user/ä@b c'])
          assert.equal(table['/']?.root, 1)
          assert.equal((await proxy.api('DELETE', '/')).status, 204)
        },
      },
      {
        title: 'deletes with 204 once, then answers 404',
        async run(proxy, { url }) {
          await proxy.api('POST', '/gone', { target: url })
          const statuses = []
          for (const [method, path] of [
            ['DELETE', '/gone'],
            ['DELETE', '/gone'],
            ['GET', '/gone'],
          ] as const) {
            statuses.push((await proxy.api(method, path)).status)
          }

          assert.deepEqual(statuses, [204, 404, 404])
        },
      },
      {
        title: 'refuses what is not a route',
        async run(proxy) {
          const refused = async (body: unknown) => {
            const response = await proxy.api('POST', '/x', body)
            return [response.status, await response.text()]
          }

          assert.deepEqual(await refused({}), [400, "Must specify 'target' as string"])
          assert.deepEqual(await refused({ target: 1 }), [400, "Must specify 'target' as string"])
          assert.deepEqual(await refused('null'), [400, "Must specify 'target' as string"])
          assert.match(String((await refused('{'))[1]), /^Body not valid JSON: SyntaxError/)
          assert.equal((await proxy.api('GET', '/x')).status, 404)
        },
      },
      {
        title: 'refuses other methods, other paths, and whoever lacks the token',
        async run(proxy) {
          const put = await proxy.api('PUT', '/x', { target: 'http://a' })
          const elsewhere = await fetch(`${proxy.apiUrl}/api`, { headers: { Authorization: `token ${TOKEN}` } })
          const bare = await fetch(`${proxy.apiUrl}/api/routes`)
          const wrong = await proxy.api('GET', '', undefined, 'wrong')

          assert.deepEqual([put.status, await put.text()], [405, 'Method not supported'])
          assert.deepEqual([elsewhere.status, await elsewhere.text()], [404, 'Not Found'])
          assert.deepEqual([bare.status, wrong.status], [403, 403])
        },
      },
      {
        title: 'lists routes that were not used since a time',
        async run(proxy, { url }) {
          await proxy.api('POST', '/idle', { target: url })
          const list = async (query: string) =>
            Object.keys((await (await proxy.api('GET', `?${query}`)).json()) as object).includes('/idle')
          const before = new Date(Date.now() - 3_600_000).toISOString()
          const after = new Date(Date.now() + 3_600_000).toISOString()

          assert.equal(await list(`inactive_since=${before}`), false)
          assert.equal(await list(`inactive_since=${after}`), true)
          assert.equal(await list(`inactiveSince=${after}`), true)
          const bad = await proxy.api('GET', '?inactive_since=yesterday')
          assert.deepEqual([bad.status, await bad.text()], [400, "Invalid datestamp 'yesterday' must be ISO8601."])
        },
      },
      {
        title: 'forwards to the longest route, prefix and query kept',
        async run(proxy, { url }) {
          await proxy.api('POST', '/a', { target: `${url}/one` })
          await proxy.api('POST', '/a/b', { target: `${url}/two/?k=v` })

          assert.equal((await get(proxy, '/a/x?q=1')).url, '/one/a/x?q=1')
          assert.equal((await get(proxy, '/a/b/x?q=1')).url, '/two/a/b/x?k=v&q=1')
          assert.equal((await fetch(`${proxy.url}/ab`)).status, 404)
        },
      },
      {
        title: 'finds routes by the decoded path and forwards the path as it was escaped',
        async run(proxy, { url }) {
          await proxy.api('POST', '/user/d%C3%BC/', { target: url })

          assert.equal((await get(proxy, '/user/d%C3%BC/lab%20a')).url, '/user/d%C3%BC/lab%20a')
          assert.equal((await send(proxy, 'GET /user%2Fd%c3%bc/x HTTP/1.1\r\nHost: h')).url, '/user%2Fd%c3%bc/x')
        },
      },
      {
        title: 'resolves dot segments before it looks for the route',
        async run(proxy, { url }) {
          await proxy.api('POST', '/dots/a', { target: url })
          await proxy.api('POST', '/dots/b', { target: `${url}/b` })

          assert.equal((await send(proxy, 'GET /dots/a/../b/x HTTP/1.1\r\nHost: h')).url, '/b/dots/b/x')
          assert.equal((await send(proxy, 'GET /dots/a/%2e%2E/b/x HTTP/1.1\r\nHost: h')).url, '/b/dots/b/x')
        },
      },
      {
        title: 'takes a target without its path separator and one on a Unix socket',
        async run(proxy) {
          const socketPath = join(mkdtempSync(join(tmpdir(), 'upstream-')), 's.sock')
          const server = http.createServer(echo)
          await new Promise<void>(resolve => server.listen(socketPath, resolve))
          try {
            for (const scheme of ['http+unix', 'unix+http']) {
              await proxy.api('POST', '/sock', { target: `${scheme}://${encodeURIComponent(socketPath)}/base` })
              assert.equal((await get(proxy, '/sock/x')).url, '/base/sock/x')
            }
          } finally {
            server.closeAllConnections()
            server.close()
          }
        },
      },
      {
        title: 'tells the upstream who asked, for what, and how',
        async run(proxy, { url }) {
          await proxy.api('POST', '/fwd', { target: url })
          const fresh = await send(proxy, 'GET /fwd HTTP/1.1\r\nHost: hub.example:8443')
          const behind = await send(
            proxy,
            'GET /fwd HTTP/1.1\r\nHost: hub.example\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: www.example',
          )

          const forwarded = ({ headers }: Echo) =>
            ['host', 'x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto', 'x-forwarded-host'].map(
              name => headers[name],
            )
          assert.deepEqual(forwarded(fresh), ['hub.example:8443', '127.0.0.1', '8443', 'http', 'hub.example:8443'])
          assert.deepEqual(forwarded(behind), [
            'hub.example',
            '192.0.2.1,127.0.0.1',
            '443,80',
            'https,http',
            'www.example',
          ])
        },
      },
      {
        title: 'passes bodies of known and of unknown length',
        async run(proxy, { url }) {
          await proxy.api('POST', '/body', { target: url })
          const known = await get(proxy, '/body', { method: 'PUT', body: 'x'.repeat(100_000) })
          const body = ReadableStream.from(['one ', 'two'].map(text => new TextEncoder().encode(text)))
          const unknown = await get(proxy, '/body', { method: 'POST', body, duplex: 'half' } as RequestInit)
          const none = await get(proxy, '/body', { method: 'POST' })
          const deleted = await get(proxy, '/body', { method: 'DELETE', body: 'reason' })

          assert.deepEqual([known.body.length, known.headers['content-length']], [100_000, '100000'])
          assert.deepEqual([unknown.body, unknown.headers['transfer-encoding']], ['one two', 'chunked'])
          assert.deepEqual([none.body, none.headers['content-length']], ['', '0'])
          assert.equal(deleted.body, 'reason')
        },
      },
      {
        title: 'passes status, reason and repeated fields back, and frames HEAD, 204 and 304 without a body',
        async run(proxy) {
          await using upstream = await startUpstream((req, res) => {
            const status = Number(req.url!.slice('/st/'.length))
            res.writeHead(status, 'Own Reason', [
              'Set-Cookie',
              'a=1',
              'Set-Cookie',
              'b=2',
              'X-Multi',
              '1',
              'X-Multi',
              '2',
            ])
            res.end(req.method === 'HEAD' || status === 204 || status === 304 ? undefined : 'body')
          })
          await proxy.api('POST', '/st', { target: upstream.url })
          const statusAndBody = async (status: number, method = 'GET') => {
            const response = await fetch(`${proxy.url}/st/${status}`, { method, redirect: 'manual' })
            return [response.status, response.statusText, await response.text()]
          }

          const teapot = await fetch(`${proxy.url}/st/418`)
          assert.deepEqual(teapot.headers.getSetCookie(), ['a=1', 'b=2'])
          assert.equal(teapot.headers.get('x-multi'), '1, 2')
          assert.deepEqual([teapot.status, teapot.statusText, await teapot.text()], [418, 'Own Reason', 'body'])
          assert.deepEqual(await statusAndBody(204), [204, 'Own Reason', ''])
          assert.deepEqual(await statusAndBody(304), [304, 'Own Reason', ''])
          assert.deepEqual(await statusAndBody(200, 'HEAD'), [200, 'Own Reason', ''])
        },
      },
      {
        title: 'answers 404 without a route and 503 for a dead target, as a page',
        async run(proxy) {
          await proxy.api('POST', '/dead', { target: 'http://127.0.0.1:1' })
          const missing = await fetch(`${proxy.url}/nowhere`)
          const dead = await fetch(`${proxy.url}/dead`)

          assert.deepEqual([missing.status, dead.status], [404, 503])
          assert.match(missing.headers.get('content-type') ?? '', /^text\/html/)
          assert.match(await missing.text(), /404: Not Found/)
          assert.match(await dead.text(), /503: /)
        },
      },
      {
        title: 'says that it is alive',
        async run(proxy) {
          const response = await fetch(`${proxy.url}/_chp_healthz`)

          assert.equal(response.status, 200)
          assert.deepEqual(await response.json(), { status: 'OK' })
        },
      },
      {
        title: 'passes WebSocket messages, subprotocol and path',
        async run(proxy) {
          await using upstream = await startUpstream()
          const server = new WebSocketServer({ server: upstream.server })
          server.on('connection', (socket, req) => {
            socket.send(JSON.stringify({ url: req.url, headers: req.headers }))
            socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
          })
          await proxy.api('POST', '/ws', { target: upstream.url })
          const messages: string[] = []
          const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws/a?b=c`, ['v1.kernel'])
          client.on('message', data => messages.push(data.toString()))
          await until('the first message', () => messages.length === 1)
          client.send('x'.repeat(200_000))
          await until('the echo', () => messages.length === 2)
          client.close(4001)
          await until('the close', () => client.readyState === WebSocket.CLOSED)

          const { url, headers } = JSON.parse(messages[0]!)
          assert.equal(url, '/ws/a?b=c')
          assert.equal(client.protocol, 'v1.kernel')
          assert.equal(headers['x-forwarded-proto'], 'ws')
          assert.equal(headers['x-forwarded-for'], '127.0.0.1')
          assert.equal(messages[1]!.length, 200_000)
          await until('the upstream to see the close', () => server.clients.size === 0)
        },
      },
      {
        title: 'hands on a refused upgrade as the response it is',
        async run(proxy) {
          await using upstream = await startUpstream()
          upstream.server.on('upgrade', (_req, socket) => {
            socket.end(
              'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nX-Why: rules\r\nContent-Length: 9\r\n\r\nnot yours',
            )
          })
          await proxy.api('POST', '/no-ws', { target: upstream.url })

          await using connection = connectRaw(proxy.port, UPGRADE('/no-ws'))
          const text = await connection.untilClosed()

          assert.match(text, /^HTTP\/1\.1 403 Forbidden\r\n/)
          assert.match(text, /x-why: rules/i)
          assert.match(text, /not yours/)
        },
      },
      {
        title: 'answers 503 when the target of an upgrade is dead',
        async run(proxy) {
          await proxy.api('POST', '/dead-ws', { target: 'http://127.0.0.1:1' })

          await using connection = connectRaw(proxy.port, UPGRADE('/dead-ws'))

          assert.match(await connection.untilClosed(), /^HTTP\/1\.1 503[ \r]/)
        },
      },
      {
        title: 'records activity for successes and WebSocket bytes of the client, not for failures',
        async run(proxy) {
          await using upstream = await startUpstream((req, res) => {
            res.statusCode = Number(/\d+$/.exec(req.url!)?.[0])
            res.end()
          })
          new WebSocketServer({ server: upstream.server })
          await proxy.api('POST', '/act', { target: upstream.url })
          const created = await lastActivity(proxy, '/act')
          await until('the clock to go on', () => Date.now() > created + 2)
          for (const status of [404, 302, 500]) await fetch(`${proxy.url}/act/${status}`, { redirect: 'manual' })
          const afterFailures = await lastActivity(proxy, '/act')
          await fetch(`${proxy.url}/act/200`)
          await until('activity of a success', async () => (await lastActivity(proxy, '/act')) > created)
          const afterSuccess = await lastActivity(proxy, '/act')

          const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/act/ws`)
          await until('the WebSocket', () => client.readyState === WebSocket.OPEN)
          await until('the clock to go on', () => Date.now() > afterSuccess + 2)
          client.send('x')
          await until('activity of a message', async () => (await lastActivity(proxy, '/act')) > afterSuccess)
          client.terminate()

          assert.equal(afterFailures, created)
        },
      },
    ],
  },
  {
    name: 'with --host-routing',
    flags: () => ['--host-routing'],
    cases: [
      {
        title: 'takes the host for the first segment of the route',
        async run(proxy, { url }) {
          await proxy.api('POST', '/ann.example.org/user/ann', { target: url })
          const found = await send(proxy, 'GET /user/ann/x HTTP/1.1\r\nHost: ann.example.org:8000')
          const record = (await (await proxy.api('GET', '/ann.example.org/user/ann')).json()) as { host: string }
          await using other = connectRaw(
            proxy.port,
            'GET /user/ann/x HTTP/1.1\r\nHost: bob.example.org\r\nConnection: close\r\n\r\n',
          )

          assert.equal(found.url, '/user/ann/x')
          assert.equal(record.host, 'ann.example.org')
          assert.match(await other.untilClosed(), /^HTTP\/1\.1 404 /)
        },
      },
    ],
  },
  {
    name: 'with --no-include-prefix, --no-x-forward, --change-origin, --custom-header',
    flags: ({ url }) => [
      '--no-include-prefix',
      '--no-x-forward',
      '--change-origin',
      '--default-target',
      `${url}/root`,
      '--custom-header',
      'X-One: 1',
      '--custom-header',
      'x-two:two: 2',
      '--error-path',
      pages,
    ],
    cases: [
      {
        title: 'takes the route off the path',
        async run(proxy, { url }) {
          await proxy.api('POST', '/pre/fix', { target: `${url}/base` })

          assert.equal((await get(proxy, '/pre/fix/x?q=1')).url, '/base/x?q=1')
          assert.equal((await get(proxy, '/pre/fix?q=1')).url, '/base?q=1')
        },
      },
      {
        title: 'sends what is left to the default target, with the fields that were asked for',
        async run(proxy, { port }) {
          const { url, headers } = await get(proxy, '/any/where')

          assert.equal(url, '/root/any/where')
          assert.equal(headers.host, `127.0.0.1:${port}`)
          assert.deepEqual([headers['x-one'], headers['x-two']], ['1', 'two: 2'])
          assert.deepEqual(
            Object.keys(headers).filter(name => name.startsWith('x-forwarded')),
            [],
          )
        },
      },
      {
        title: 'serves error pages from a folder',
        async run(proxy) {
          await proxy.api('DELETE', '/')
          await proxy.api('POST', '/dead', { target: 'http://127.0.0.1:1' })
          const [missing, dead] = [await fetch(`${proxy.url}/nowhere`), await fetch(`${proxy.url}/dead`)]

          assert.deepEqual([missing.status, await missing.text()], [404, 'own 404'])
          assert.deepEqual([dead.status, await dead.text()], [503, 'own page for the rest'])
        },
      },
    ],
  },
  {
    name: 'with --no-prepend-path, --auto-rewrite, --protocol-rewrite, --error-target',
    flags: ({ url }) => [
      '--no-prepend-path',
      '--auto-rewrite',
      '--protocol-rewrite',
      'https',
      '--error-target',
      `${url}/hub/error`,
    ],
    cases: [
      {
        title: 'leaves the path of the target away',
        async run(proxy, { url }) {
          await proxy.api('POST', '/p', { target: `${url}/base` })

          assert.equal((await get(proxy, '/p/x')).url, '/p/x')
        },
      },
      {
        title: 'rewrites redirects that name the target, and no others',
        async run(proxy) {
          await using upstream = await startUpstream((req, res) => {
            const location =
              req.url === '/r/own' ? `http://${req.headers['x-self']}/next?a=b` : 'http://other.example/next'
            res.writeHead(302, { Location: location }).end()
          })
          await proxy.api('POST', '/r', { target: upstream.url })
          const locate = async (path: string) => {
            const headers = { 'X-Self': `127.0.0.1:${upstream.port}` }
            return (await fetch(proxy.url + path, { redirect: 'manual', headers })).headers.get('location')
          }

          assert.equal(await locate('/r/own'), `https://127.0.0.1:${proxy.port}/next?a=b`)
          assert.equal(await locate('/r/else'), 'http://other.example/next')
        },
      },
      {
        title: 'fetches error pages by status and URL and serves them with that status',
        async run(proxy) {
          await proxy.api('POST', '/dead', { target: 'http://127.0.0.1:1' })
          const missing = await fetch(`${proxy.url}/no/where?x=ü&y`)
          const dead = await fetch(`${proxy.url}/dead`)

          assert.deepEqual([missing.status, missing.headers.get('content-type')], [404, 'application/json'])
          assert.equal(((await missing.json()) as Echo).url, '/hub/error/404?url=%2Fno%2Fwhere%3Fx%3D%25C3%25BC%26y')
          assert.equal(dead.status, 503)
          assert.equal(((await dead.json()) as Echo).url, '/hub/error/503?url=%2Fdead')
        },
      },
    ],
  },
]

const UPGRADE = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

for (const program of ['orrery', 'configurable-http-proxy'] satisfies ProxyProgram[]) {
  describe(`conformance: ${program}`, { concurrency: 2 }, () => {
    for (const suite of suites) {
      describe(suite.name, () => {
        let upstream: Upstream
        let proxy: SpawnedProxy
        before(async () => {
          upstream = await startUpstream()
          proxy = await spawnProxy(program, suite.flags(upstream))
        })
        after(async () => {
          await proxy?.[Symbol.asyncDispose]()
          await upstream[Symbol.asyncDispose]()
        })
        for (const { title, run } of suite.cases) it(title, () => run(proxy, upstream))
      })
    }
  })
}
