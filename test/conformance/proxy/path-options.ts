/** Options that change which route is found, what is sent to its target, and what becomes of redirects. */
import { startUpstream } from '../../../src/proxy/testing/sockets.ts'
import type { RunningProgram } from './program.ts'
import { arrived, differs, type Row, row, type Setting } from './rows.ts'

const urlsOf = (proxy: RunningProgram, ...paths: string[]) =>
  Promise.all(paths.map(async path => arrived(await proxy.ask(path)).url))
const at = (proxy: RunningProgram, host: string, path: string) => proxy.ask(path, { headers: { host } })

const hostRows: readonly Row[] = [
  row(
    'the host without its port is the first segment of the route',
    async (proxy, { echo }) => {
      await proxy.addRoute('/ann.example.org/user/ann', echo.url)
      const found = arrived(await at(proxy, 'ann.example.org:8000', '/user/ann/x?q')).url
      const record = JSON.parse((await proxy.api('GET', '/ann.example.org/user/ann')).body) as { host: string }
      const others = [
        await at(proxy, 'bob.example.org', '/user/ann/x'),
        await at(proxy, 'ann.example.org', '/user/bob'),
        await at(proxy, 'org', '/user/ann'),
      ]
      return [found, record.host, others.map(({ status }) => status)]
    },
    ['/user/ann/x?q', 'ann.example.org', [404, 404, 404]],
  ),
  row(
    'a host alone has all its paths, the root all that is left',
    async (proxy, { echo }) => {
      await proxy.addRoute('/hub.example.org', `${echo.url}/hub`)
      const hub = arrived(await at(proxy, 'hub.example.org', '/any')).url
      await proxy.addRoute('/', `${echo.url}/root`)
      const rest = arrived(await at(proxy, 'else.example.org', '/any')).url
      const root = JSON.parse((await proxy.api('GET', '')).body)['/'] as object
      await proxy.api('DELETE', '/')
      return [hub, rest, 'host' in root]
    },
    ['/hub/any', '/root/any', false],
  ),
]

const defaultRows: readonly Row[] = [
  row(
    'what has no route goes there, until the API says otherwise',
    async (proxy, { echo }) => {
      const first = await urlsOf(proxy, '/', '/any/where?q=1')
      const record = JSON.parse((await proxy.api('GET', '')).body)['/'].target as string
      await proxy.addRoute('/', `${echo.url}/other`)
      const second = await urlsOf(proxy, '/x')
      await proxy.api('DELETE', '/')
      return [first, record, second, (await proxy.ask('/x')).status]
    },
    [['/root/', '/root/any/where?q=1'], 'http://127.0.0.1:{echo}/root', ['/other/x'], 404],
  ),
]

const rewritten = (answer: unknown): Row =>
  row(
    'paths at the target',
    async (proxy, { echo }) => {
      await proxy.addRoute('/pre/fix', `${echo.url}/base`)
      return urlsOf(proxy, '/pre/fix', '/pre/fix/', '/pre/fix/x%2Fy?q=1', '/pre/fix?q=1')
    },
    answer,
  )

const headerRows: readonly Row[] = [
  row(
    'are sent with every request, in place of those of the client',
    async (proxy, { echo }) => {
      await proxy.addRoute('/custom', echo.url)
      const { headers } = arrived(await proxy.ask('/custom', { headers: { 'x-one': 'client', 'X-Two': 'client' } }))
      const socket = await proxy.webSocket('/custom')
      socket.terminate()
      return ['x-one', 'x-two', 'x-three'].map(name => headers[name])
    },
    ['1', 'two: 2', 'last'],
  ),
]

/** @param path of the upstream's Location: `own` names the upstream itself, as it was asked. */
const redirects = (answer: unknown): Row =>
  row(
    'redirects that name the target, another host, a path; and their status',
    async proxy => {
      await using upstream = await startUpstream((req, res) => {
        const self = `http://${req.headers['x-self']}`
        const locations: Record<string, string> = { own: `${self}/n?a=b`, other: 'http://other.example/n', path: '/n' }
        const [, , status, where] = req.url!.split('/')
        res.writeHead(Number(status), { Location: locations[where!]! }).end()
      })
      await proxy.addRoute('/r', upstream.url)
      const headers = { 'x-self': `127.0.0.1:${upstream.port}`, host: 'hub.example:8443' }
      const found = []
      for (const path of ['302/own', '302/other', '302/path', '201/own', '301/own', '303/own', '307/own', '308/own']) {
        const { location } = (await proxy.ask(`/r/${path}`, { headers })).headers
        found.push(location!.replaceAll(String(upstream.port), '{upstream}'))
      }
      return found
    },
    answer,
  )
const own = (location: string) => [
  location,
  'http://other.example/n',
  '/n',
  location,
  location,
  'kept',
  location,
  location,
]
const withStatus303 = (locations: string[], kept: string) => locations.map(each => (each === 'kept' ? kept : each))
const UNTOUCHED = 'http://127.0.0.1:{upstream}/n?a=b'

export const pathOptions: readonly Setting[] = [
  { options: ['--host-routing'], flags: () => ['--host-routing'], rows: hostRows },
  { options: ['--default-target'], flags: ({ echo }) => ['--default-target', `${echo.url}/root`], rows: defaultRows },
  {
    options: ['--no-include-prefix', '--no-x-forward'],
    flags: () => ['--no-include-prefix', '--no-x-forward'],
    rows: [
      rewritten(['/base', '/base/', '/base/x%2Fy?q=1', '/base?q=1']),
      differs(
        'proxy-escaped-prefix',
        'a route whose path is escaped in the request',
        async (proxy, { echo }) => {
          await proxy.addRoute('/esc%20aped', `${echo.url}/base`)
          return urlsOf(proxy, '/esc%20aped/x')
        },
        ['/base/x'],
        ['/base/ed/x'],
      ),
      row(
        'no X-Forwarded-* is added, none is taken away',
        async (proxy, { echo }) => {
          await proxy.addRoute('/fwd', echo.url)
          const namesOf = async (headers: Record<string, string>) =>
            Object.keys(arrived(await proxy.ask('/fwd', { headers })).headers).filter(name => /^x-forw/.test(name))
          return [await namesOf({}), await namesOf({ 'x-forwarded-for': '192.0.2.1' })]
        },
        [[], ['x-forwarded-for']],
      ),
    ],
  },
  {
    options: ['--no-prepend-path', '--change-origin'],
    flags: () => ['--no-prepend-path', '--change-origin'],
    rows: [
      rewritten(['/pre/fix', '/pre/fix/', '/pre/fix/x%2Fy?q=1', '/pre/fix?q=1']),
      row(
        'Host is that of the target',
        async (proxy, { echo }) => {
          await proxy.addRoute('/origin', echo.url)
          const { headers } = arrived(await proxy.ask('/origin', { headers: { host: 'hub.example' } }))
          return [headers.host, headers['x-forwarded-host']]
        },
        ['127.0.0.1:{echo}', 'hub.example'],
      ),
    ],
  },
  {
    options: ['--no-include-prefix with --no-prepend-path'],
    flags: () => ['--no-include-prefix', '--no-prepend-path'],
    rows: [rewritten(['/', '/', '/x%2Fy?q=1', '/?q=1'])],
  },
  {
    options: ['--custom-header'],
    flags: () => [
      '--custom-header',
      'X-One: 1',
      '--custom-header',
      ' x-two:two: 2 ',
      '--custom-header',
      'X-Three:first',
      '--custom-header',
      'X-Three:last',
    ],
    rows: headerRows,
  },
  {
    options: ['--auto-rewrite'],
    flags: () => ['--auto-rewrite'],
    rows: [redirects(withStatus303(own('http://hub.example:8443/n?a=b'), UNTOUCHED))],
  },
  {
    options: ['--protocol-rewrite'],
    flags: () => ['--protocol-rewrite', 'https'],
    rows: [redirects(withStatus303(own('https://127.0.0.1:{upstream}/n?a=b'), UNTOUCHED))],
  },
  {
    options: ['--auto-rewrite with --protocol-rewrite'],
    flags: () => ['--auto-rewrite', '--protocol-rewrite', 'https'],
    rows: [redirects(withStatus303(own('https://hub.example:8443/n?a=b'), UNTOUCHED))],
  },
]
