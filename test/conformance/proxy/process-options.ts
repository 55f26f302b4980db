/** Unix sockets, metrics, time-outs, pid file, log; and command lines with which a program does not start. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startUpstream } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import { runToEnd } from './program.ts'
import { arrived, differs, ownOnly, type Row, row, type Setting, seen } from './rows.ts'
import type { Site } from './site.ts'

const socketRows: readonly Row[] = [
  row(
    'requests, API and metrics over them',
    async (proxy, { echo, dir }) => {
      await proxy.addRoute('/s', echo.url)
      const { url, headers } = arrived(await proxy.ask('/s/x', { headers: { host: 'hub.example' } }))
      const metrics = await proxy.ask('http://localhost/metrics', { socketPath: `${dir}/metrics-${proxy.program}` })
      return [url, headers['x-forwarded-proto'], headers['x-forwarded-port'], metrics.status]
    },
    ['/s/x', 'http', '80', 200],
  ),
]

const NAMES = /^(# TYPE )?(requests_|api_route_|find_target|last_activity)/
const metricRows: readonly Row[] = [
  row(
    'names, types and labels',
    async (proxy, { echo, deadUrl }) => {
      await proxy.addRoute('/m', echo.url)
      await proxy.addRoute('/dead', deadUrl)
      for (const path of ['/m', '/m', '/dead', '/none']) await proxy.ask(path)
      const socket = await proxy.webSocket('/m')
      socket.terminate()
      await proxy.api('GET')
      await proxy.api('DELETE', '/m')
      const { body } = await proxy.ask(`http://127.0.0.1:${proxy.ports.metrics}/metrics`)
      const lines = body.split('\n').filter(line => NAMES.test(line) && !/_sum|quantile/.test(line))
      const left = /requests_api|activity_updating_count|"101"/
      return lines.filter(line => !left.test(line) || line.startsWith('#')).sort()
    },
    [
      '# TYPE api_route_add counter',
      '# TYPE api_route_delete counter',
      '# TYPE api_route_get counter',
      '# TYPE find_target_for_req summary',
      '# TYPE last_activity_updating summary',
      '# TYPE requests_api counter',
      '# TYPE requests_proxy counter',
      '# TYPE requests_web counter',
      '# TYPE requests_ws counter',
      'api_route_add 2',
      'api_route_delete 1',
      'api_route_get 2',
      'find_target_for_req_count 5',
      'requests_proxy{status="200"} 2',
      'requests_proxy{status="404"} 1',
      'requests_proxy{status="503"} 1',
      'requests_web 4',
      'requests_ws 1',
    ],
  ),
  row(
    'answers of the API by status, and the process',
    async proxy => {
      const { body, headers } = await proxy.ask(`http://127.0.0.1:${proxy.ports.metrics}/metrics`)
      const named = ['requests_api{status="200"}', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']
      return [named.map(name => body.includes(`\n${name}`)), String(headers['content-type']).replace(/;.*/, '')]
    },
    [[true, true, true], 'text/plain'],
  ),
  differs(
    'proxy-upgrade-status',
    'the status of upgrades is counted as well',
    async proxy => {
      const { body } = await proxy.ask(`http://127.0.0.1:${proxy.ports.metrics}/metrics`)
      return body.includes('requests_proxy{status="101"} 1')
    },
    true,
    false,
  ),
  row('other addresses there', async proxy => seen(await proxy.ask(`http://127.0.0.1:${proxy.ports.metrics}/`)), [
    404,
    'Not Found',
  ]),
]

const TIMEOUT_MS = 400
const longer = () => new Promise(resolve => setTimeout(resolve, 2 * TIMEOUT_MS))

const quietWebSocket = row(
  'a WebSocket that is quiet for longer',
  async (proxy, { echo }) => {
    await proxy.addRoute('/quiet', echo.url)
    const socket = await proxy.webSocket('/quiet')
    await until('the greeting', () => socket.received.length === 1)
    await longer()
    socket.send('still there')
    await until('the echo', () => socket.received.length === 2)
    socket.terminate()
    return socket.received[1]!.toString()
  },
  'still there',
)

const download = row(
  'a download that takes longer',
  async proxy => {
    await using upstream = await startUpstream(async (_req, res) => {
      for (let i = 0; i < 8; i++) {
        res.write('.')
        await new Promise(resolve => setTimeout(resolve, TIMEOUT_MS / 4))
      }
      res.end()
    })
    await proxy.addRoute('/long', upstream.url)
    return (await proxy.ask('/long')).body
  },
  '........',
)

const proxyTimeoutRows: readonly Row[] = [
  differs(
    'proxy-gateway-timeout',
    'a target that does not answer in time',
    async proxy => {
      await using upstream = await startUpstream(() => {})
      await proxy.addRoute('/silent', upstream.url)
      return (await proxy.ask('/silent')).status
    },
    504,
    503,
  ),
  ownOnly(
    'proxy-gateway-timeout',
    'a download that pauses for longer',
    async proxy => {
      await using upstream = await startUpstream(async (_req, res) => {
        res.write('first, ')
        await longer()
        res.end('last')
      })
      await proxy.addRoute('/pause', upstream.url)
      return (await proxy.ask('/pause')).body
    },
    'first, last',
  ),
  download,
  quietWebSocket,
]

const timeoutRows: readonly Row[] = [
  row(
    'a request without a byte either way is dropped',
    async proxy => {
      await using upstream = await startUpstream(() => {})
      await proxy.addRoute('/silent', upstream.url)
      return await proxy.ask('/silent').then(
        ({ status }) => status,
        () => 'dropped',
      )
    },
    'dropped',
  ),
  download,
  quietWebSocket,
]

const keepAliveRows: readonly Row[] = [
  row(
    'is told to clients',
    async proxy => {
      const text = await proxy.raw('GET /_chp_healthz HTTP/1.1\r\nHost: a\r\n\r\n', '"OK"}')
      return /keep-alive: (.*)\r/i.exec(text)?.[1] ?? null
    },
    'timeout=2',
  ),
]

const pidRows: readonly Row[] = [
  row(
    'holds the process id while the program runs',
    async (proxy, { dir }) => {
      const file = join(dir, `pid-${proxy.program}`)
      await until('the pid file', () => existsSync(file))
      const right = readFileSync(file, 'utf8') === String(proxy.child.pid)
      await proxy.stop('SIGTERM')
      return [right, existsSync(file)]
    },
    [true, false],
  ),
  differs('proxy-exit-codes', 'the exit code after SIGTERM', async proxy => proxy.child.exitCode, 0, 2),
]

const logRows: readonly Row[] = [
  row(
    'errors alone are logged',
    async (proxy, { echo }) => {
      await proxy.addRoute('/quiet', echo.url)
      await proxy.ask('/quiet')
      return /route added|Route added|proxy ready|Proxying/.test(proxy.output())
    },
    false,
  ),
]

/** Options that are tried with command lines that end by themselves. */
export const commandLineFlags = new Set<string>()
const refused = (title: string, flags: string[], answer: unknown, theirs?: unknown): Row => {
  for (const flag of flags) commandLineFlags.add(flag)
  const see: Row['see'] = async ({ program }) => runToEnd(program, flags)
  return theirs === undefined ? row(title, see, answer) : differs('proxy-exit-codes', title, see, answer, theirs)
}

const commandLines: readonly Row[] = [
  refused('an option that does not exist', ['--no-such-option'], 1),
  refused('an option without its value', ['--port'], 1),
  refused('a socket and a port', ['--socket', '/nowhere/s', '--port', '1'], 1),
  refused('a socket and an address', ['--socket', '/nowhere/s', '--ip', '127.0.0.1'], 1),
  refused('a custom header without a colon', ['--custom-header', 'none'], 1),
  refused('both kinds of error pages', ['--error-path', '/', '--error-target', 'http://a'], 78, 1),
  refused('a redirect without a certificate', ['--redirect-port', '1'], 78, 1),
  refused('a key that is not there', ['--ssl-key', '/nowhere/key', '--ssl-cert', '/nowhere/cert'], 78, 1),
  refused('a storage class, without --snapshot', ['--storage-backend', '/nowhere/class'], 78, 1),
  refused('the version is asked for', ['--version'], 0),
  refused('help is asked for', ['--help'], 0),
]

const KINDS = ['public', 'api', 'metrics'] as const
const socket = (site: Site, kind: (typeof KINDS)[number], program: string) => join(site.dir, `${kind}-${program}`)

export const processOptions: readonly Setting[] = [
  {
    options: ['--socket', '--api-socket', '--metrics-socket'],
    addresses: false,
    // Addresses beside a socket of the same kind have no effect.
    flags: (site, { program, api, metrics }) => [
      ...KINDS.flatMap(kind => [kind === 'public' ? '--socket' : `--${kind}-socket`, socket(site, kind, program)]),
      ...['--api-ip', '127.0.0.1', '--api-port', `${api}`, '--metrics-ip', '127.0.0.1', '--metrics-port', `${metrics}`],
    ],
    sockets: (site, program) => ({ public: socket(site, 'public', program), api: socket(site, 'api', program) }),
    rows: socketRows,
  },
  {
    options: ['--port alone'],
    addresses: false,
    flags: (_site, { port }) => ['--ip', '*', '--port', `${port}`],
    apiUrl: ({ port }) => `http://localhost:${port + 1}`,
    rows: [
      row('the API is one above it', async proxy => (await proxy.api('GET')).status, 200),
      row(
        'an address that is empty or a star is every one',
        async proxy => (await proxy.ask('/_chp_healthz')).status,
        200,
      ),
    ],
  },
  {
    options: ['--metrics-port', '--metrics-ip'],
    flags: (_site, { metrics }) => ['--metrics-ip', '127.0.0.1', '--metrics-port', `${metrics}`],
    rows: metricRows,
  },
  { options: ['--proxy-timeout'], flags: () => ['--proxy-timeout', `${TIMEOUT_MS}`], rows: proxyTimeoutRows },
  { options: ['--timeout'], flags: () => ['--timeout', `${TIMEOUT_MS}`], rows: timeoutRows },
  { options: ['--keep-alive-timeout'], flags: () => ['--keep-alive-timeout', '2000'], rows: keepAliveRows },
  { options: ['--log-level'], flags: () => ['--log-level', 'ERROR'], rows: logRows },
  {
    options: ['--pid-file'],
    flags: (site, { program }) => ['--pid-file', join(site.dir, `pid-${program}`)],
    rows: pidRows,
  },
  { options: ['command lines with which it does not start'], flags: () => [], rows: commandLines },
]
