/** The REST API: `/api/routes`, its refusals, and how paths are written there. */
import { differs, ownOnly, type Row, row, type Setting, seen } from './rows.ts'

const without = (record: unknown) => {
  const { last_activity: time, ...rest } = record as Record<string, unknown>
  return { ...rest, time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(time)) }
}
const HOUR = 3_600_000
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

const routes: readonly Row[] = [
  row('an empty table', async proxy => seen(await proxy.api('GET'), 'content-type'), [200, 'application/json', {}]),
  row(
    'a route is made, shown alone and in the table, and deleted once',
    async proxy => {
      const made = await proxy.api('POST', '/user/ann', { target: 'http://127.0.0.1:9', user: 'ann', jupyterhub: true })
      const one = await proxy.api('GET', '/user/ann')
      const table = json((await proxy.api('GET')).body)
      const gone = await proxy.api('DELETE', '/user/ann')
      const again = await proxy.api('DELETE', '/user/ann')
      const missing = await proxy.api('GET', '/user/ann')
      return [
        seen(made),
        [one.status, one.headers['content-type'], without(json(one.body)), Object.keys(json(one.body))],
        [Object.keys(table), without(table['/user/ann'])],
        [gone, again, missing].map(answer => seen(answer)),
      ]
    },
    [
      [201, ''],
      [
        200,
        'application/json',
        { target: 'http://127.0.0.1:9', user: 'ann', jupyterhub: true, time: true },
        ['target', 'user', 'jupyterhub', 'last_activity'],
      ],
      [['/user/ann'], { target: 'http://127.0.0.1:9', user: 'ann', jupyterhub: true, time: true }],
      [
        [204, ''],
        [404, ''],
        [404, ''],
      ],
    ],
  ),
  row(
    'slashes at the end make no difference',
    async proxy => {
      await proxy.addRoute('/slash/', 'http://127.0.0.1:9')
      const found = [await proxy.api('GET', '/slash'), await proxy.api('GET', '/slash/')].map(({ status }) => status)
      const table = json((await proxy.api('GET', '/')).body)
      return [found, Object.keys(table), (await proxy.api('DELETE', '/slash/')).status]
    },
    [[200, 200], ['/slash'], 204],
  ),
  row(
    'a second POST replaces the whole route',
    async proxy => {
      await proxy.api('POST', '/again', { target: 'http://127.0.0.1:9', a: 1 })
      await proxy.api('POST', '/again', { target: 'http://127.0.0.1:10', b: 2 })
      const record = without(json((await proxy.api('GET', '/again')).body))
      await proxy.api('DELETE', '/again')
      return record
    },
    { target: 'http://127.0.0.1:10', b: 2, time: true },
  ),
  row(
    'paths are stored decoded: UTF-8, spaces, signs, slashes',
    async proxy => {
      const written = ['/%C3%A4%40b%20c', '/a%2Fb', '/q%3Fx', '/p%23', '/dots.~-_', '/per%2525cent']
      for (const path of written) await proxy.addRoute(path, 'http://127.0.0.1:9')
      const table = Object.keys(json((await proxy.api('GET')).body)).sort()
      const deleted = []
      for (const path of written) deleted.push((await proxy.api('DELETE', path)).status)
      return [table, deleted]
    },
    [
      ['/a/b', '/dots.~-_', '/p#', '/per%25cent', '/q?x', '/ä@b c'],
      [204, 204, 204, 204, 204, 204],
    ],
  ),
  row(
    'the root is a route like others, with or without its slash',
    async proxy => {
      await proxy.api('POST', '', { target: 'http://127.0.0.1:9', n: 1 })
      const first = Object.keys(json((await proxy.api('GET')).body))
      await proxy.api('POST', '/', { target: 'http://127.0.0.1:9', n: 2 })
      const second = without(json((await proxy.api('GET')).body)['/'])
      return [first, second, (await proxy.api('DELETE', '/')).status, (await proxy.api('DELETE', '/')).status]
    },
    [['/'], { target: 'http://127.0.0.1:9', n: 2, time: true }, 204, 404],
  ),
  row(
    'a posted last_activity does not count',
    async proxy => {
      await proxy.api('POST', '/old', { last_activity: '2000-01-01T00:00:00.000Z', target: 'http://127.0.0.1:9' })
      const record = json((await proxy.api('GET', '/old')).body)
      await proxy.api('DELETE', '/old')
      return Date.parse(String(record.last_activity)) > Date.now() - HOUR
    },
    true,
  ),
  row(
    'routes without traffic since a time',
    async proxy => {
      await proxy.addRoute('/idle', 'http://127.0.0.1:9')
      const [before, after] = [-HOUR, HOUR].map(ms => new Date(Date.now() + ms).toISOString())
      const asked = []
      for (const query of [
        `inactive_since=${before}`,
        `inactive_since=${after}`,
        `inactiveSince=${after}`,
        `inactiveSince=${before}&inactive_since=${after}`,
        'inactive_since=2100-01-01',
        'inactive_since=',
        'other=1',
      ]) {
        asked.push(Object.keys(json((await proxy.api('GET', `?${query}`)).body)).length)
      }
      const bad = seen(await proxy.api('GET', '?inactive_since=yesterday'))
      const one = (await proxy.api('GET', '/idle?inactive_since=yesterday')).status
      await proxy.api('DELETE', '/idle')
      return [asked, bad, one]
    },
    [[0, 1, 1, 0, 1, 1, 1], [400, "Invalid datestamp 'yesterday' must be ISO8601."], 200],
  ),
]

const refusals: readonly Row[] = [
  row(
    'bodies that are no route',
    async proxy => {
      const statuses = []
      for (const body of ['{}', '[]', 'null', '0', '"x"', '{"target":1}', '{"target":null}']) {
        statuses.push(seen(await proxy.api('POST', '/x', body)))
      }
      return [...new Set(statuses.map(entry => JSON.stringify(entry))), (await proxy.api('GET', '/x')).status]
    },
    [JSON.stringify([400, "Must specify 'target' as string"]), 404],
  ),
  row(
    'bodies that are no JSON',
    async proxy => {
      const bodies = ['{', '', '{"target":"http://a",}', 'target=x']
      const answers = await Promise.all(bodies.map(body => proxy.api('POST', '/x', body)))
      return answers.map(({ status, body }) => [status, body.replace(/(SyntaxError).*/s, '$1')])
    },
    Array(4).fill([400, 'Body not valid JSON: SyntaxError']),
  ),
  row(
    'bodies in pieces, of any content type',
    async proxy => {
      const how = { headers: { authorization: 'token conformance-token', 'content-type': 'text/plain' } }
      const answer = await proxy.api('POST', '/pieces', undefined, { ...how, body: ['{"target":', '"http://a"}'] })
      return [answer.status, (await proxy.api('DELETE', '/pieces')).status]
    },
    [201, 204],
  ),
  row(
    'methods that it does not have',
    async proxy => {
      const answers = []
      for (const method of ['PUT', 'PATCH', 'OPTIONS']) answers.push(seen(await proxy.api(method, '/x')))
      return [...answers, (await proxy.api('HEAD', '/x')).status]
    },
    [...Array(3).fill([405, 'Method not supported']), 405],
  ),
  row(
    'addresses that it does not have',
    async proxy => {
      const at = (path: string) => proxy.ask(`http://127.0.0.1:${proxy.ports.api}${path}`)
      return Promise.all(
        ['/', '/api', '/api/routesx', '/routes', '/API/routes'].map(async path => seen(await at(path))),
      )
    },
    Array(5).fill([404, 'Not Found']),
  ),
  row(
    'tokens: none, a wrong one, another kind, and words around it',
    async proxy => {
      const statuses = []
      for (const authorization of [undefined, 'token wrong', 'conformance-token', 'Bearer conformance-token', '']) {
        const headers = authorization === undefined ? {} : { authorization }
        statuses.push(seen(await proxy.api('GET', '', undefined, { headers })))
      }
      for (const authorization of ['token   conformance-token', 'my token conformance-token and more']) {
        statuses.push((await proxy.api('GET', '', undefined, { headers: { authorization } })).status)
      }
      return statuses
    },
    [...Array(5).fill([403, '']), 200, 200],
  ),
  differs(
    'proxy-token-first',
    'a body that is no JSON without the token',
    async proxy => (await proxy.api('POST', '/x', '{', { headers: {} })).status,
    403,
    400,
  ),
  differs(
    'proxy-token-first',
    'the word "Token"',
    async proxy =>
      (await proxy.api('GET', '', undefined, { headers: { authorization: 'Token conformance-token' } })).status,
    200,
    403,
  ),
  differs(
    'proxy-body-limit',
    'a body of two megabytes',
    async proxy => {
      const { status } = await proxy.api('POST', '/big', { target: 'http://a', data: 'x'.repeat(2_000_000) })
      return [status, (await proxy.api('DELETE', '/big')).status]
    },
    [413, 404],
    [201, 204],
  ),
  differs(
    'proxy-targets-are-urls',
    'targets that no request could go to',
    async proxy => {
      const statuses = []
      for (const target of ['', 'localhost:9', 'ftp://a', 'x']) {
        statuses.push((await proxy.api('POST', '/bad', { target })).status)
        await proxy.api('DELETE', '/bad')
      }
      return statuses
    },
    [400, 400, 400, 400],
    [201, 201, 201, 201],
  ),
  ownOnly(
    'proxy-always-answers',
    'DELETE without a path, and paths with broken escapes',
    async proxy => [
      (await proxy.api('DELETE')).status,
      (await proxy.api('GET', '/%zz')).status,
      (await proxy.api('POST', '/%E4', { target: 'http://a' })).status,
    ],
    [404, 400, 400],
  ),
]

const open: readonly Row[] = [
  row(
    'everybody may set routes',
    async proxy => {
      const answers = [
        await proxy.api('POST', '/x', { target: 'http://a' }, { headers: {} }),
        await proxy.api('GET', '/x', undefined, { headers: { authorization: 'token any' } }),
      ]
      return answers.map(({ status }) => status)
    },
    [201, 200],
  ),
  row('and the log warns of it', async proxy => /REST API is not authenticated/.test(proxy.output()), true),
]

export const restApi: readonly Setting[] = [
  { options: ['--ip', '--port', '--api-ip', '--api-port'], flags: () => [], rows: [...routes, ...refusals] },
  { options: ['CONFIGPROXY_AUTH_TOKEN'], flags: () => [], env: { CONFIGPROXY_AUTH_TOKEN: '' }, rows: open },
]
