/** The three sets of TLS options: towards browsers, for the REST API, towards targets. */
import { readFileSync } from 'node:fs'
import { until } from '../../support/until.ts'
import type { RunningProgram } from './program.ts'
import { arrived, differs, type Row, row, type Setting, seen } from './rows.ts'
import { PASSPHRASE, type Site } from './site.ts'

const file = (site: Site, name: string) => readFileSync(site.pem(name))
const identity = (site: Site, name: string) => ({
  ca: file(site, 'ca.crt'),
  key: file(site, `${name}.key`),
  cert: file(site, `${name}.crt`),
})
const stranger = (site: Site) => ({ ca: file(site, 'ca.crt'), servername: 'localhost' })
const https = ({ port }: { port: number }) => `https://localhost:${port}`
const outcome = (asked: Promise<{ status: number }>) =>
  asked.then(
    ({ status }) => status,
    () => 'refused',
  )

const publicRows: readonly Row[] = [
  row(
    'requests and WebSockets, and what the upstream learns of it',
    async (proxy, site) => {
      await proxy.addRoute('/t', site.echo.url)
      const { headers } = arrived(await proxy.ask('/t', { tls: stranger(site), headers: { host: 'hub.example' } }))
      const socket = await proxy.webSocket('/t', [], { ca: file(site, 'ca.crt') })
      await until('the greeting', () => socket.received.length === 1)
      const greeting = JSON.parse(socket.received[0]!.toString()) as { headers: Record<string, string> }
      socket.terminate()
      return [headers['x-forwarded-proto'], headers['x-forwarded-port'], greeting.headers['x-forwarded-proto']]
    },
    ['https', '443', 'wss'],
  ),
  row(
    'plain HTTP on that port is no HTTP',
    (proxy, site) => outcome(proxy.ask(`http://localhost:${proxy.ports.port}/t`, { tls: stranger(site) })),
    'refused',
  ),
]

const redirectRows: readonly Row[] = [
  row(
    'plain requests are redirected to the public port, path and query kept',
    async proxy => {
      const at = (host: string, path: string) =>
        proxy.ask(`http://127.0.0.1:${proxy.ports.redirect}/`, { path, headers: { host } })
      return [
        seen(await at('hub.example', '/a/b?c=d'), 'location'),
        seen(await at('hub.example:8080', '/'), 'location'),
        seen(await at('127.0.0.1', '/%20'), 'location'),
      ]
    },
    [
      [301, 'https://hub.example:{port}/a/b?c=d', ''],
      [301, 'https://hub.example:{port}/', ''],
      [301, 'https://127.0.0.1:{port}/%20', ''],
    ],
  ),
]

const redirectTo = (answer: string, theirs?: string): Row => {
  const see: Row['see'] = async proxy =>
    (await proxy.ask(`http://127.0.0.1:${proxy.ports.redirect}/x`, { headers: { host: 'hub.example' } })).headers
      .location
  return theirs === undefined
    ? row('to that port', see, answer)
    : differs('proxy-redirect-443', 'to the port that need not be named', see, answer, theirs)
}

/** Who is let in: the site's client, somebody else's, nobody. */
const letIn = (ask: (proxy: RunningProgram, tls: object) => Promise<{ status: number }>, answer: unknown): Row =>
  row(
    'clients with a certificate of the authority, of another one, and without',
    (proxy, site) =>
      Promise.all(
        [identity(site, 'client'), identity(site, 'foreign'), stranger(site)].map(tls => outcome(ask(proxy, tls))),
      ),
    answer,
  )
const askPublic = (proxy: RunningProgram, tls: object) => proxy.ask('/_chp_healthz', { tls })
const askApi = (proxy: RunningProgram, tls: object) => proxy.api('GET', '', undefined, { tls })

const upstreamRows = (guarded: unknown): readonly Row[] => [
  row(
    'a target whose certificate the authority has signed',
    async (proxy, { secureUrl }) => {
      await proxy.addRoute('/secure', secureUrl)
      const { status, headers } = await proxy.ask('/secure', { headers: { host: 'localhost' } })
      return [status, headers['x-client'] ?? null]
    },
    [200, 'nobody'],
  ),
  row(
    'a target that asks for a certificate',
    async (proxy, { guardedUrl }) => {
      await proxy.addRoute('/guarded', guardedUrl)
      const { status, headers } = await proxy.ask('/guarded', { headers: { host: 'localhost' } })
      return [status, headers['x-client'] ?? null]
    },
    guarded,
  ),
]

const SERVER = (site: Site) => ['--ssl-key', site.pem('server.key'), '--ssl-cert', site.pem('server.crt')]
const API_SERVER = (site: Site) => ['--api-ssl-key', site.pem('server.key'), '--api-ssl-cert', site.pem('server.crt')]
const apiUrl = ({ api }: { api: number }) => `https://localhost:${api}`

export const tlsOptions: readonly Setting[] = [
  { options: ['--ssl-key', '--ssl-cert'], flags: SERVER, publicUrl: https, rows: publicRows },
  {
    options: ['--ssl-key that is encrypted', '--ssl-dhparam', '--ssl-ciphers', '--ssl-protocol', '--ssl-allow-rc4'],
    flags: site => [
      ...[
        '--ssl-key',
        site.pem('locked.key'),
        '--ssl-cert',
        site.pem('server.crt'),
        '--ssl-dhparam',
        site.pem('dh.pem'),
      ],
      ...['--ssl-ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256', '--ssl-protocol', 'TLSv1_2', '--ssl-allow-rc4'],
    ],
    env: { CONFIGPROXY_SSL_KEY_PASSPHRASE: PASSPHRASE },
    publicUrl: https,
    rows: publicRows,
  },
  {
    options: ['--ssl-request-cert', '--ssl-ca'],
    flags: site => [...SERVER(site), '--ssl-request-cert', '--ssl-ca', site.pem('ca.crt')],
    publicUrl: https,
    rows: [letIn(askPublic, [200, 'refused', 'refused'])],
  },
  {
    options: ['--ssl-request-cert', '--ssl-reject-unauthorized', '--ssl-ca'],
    flags: site => [...SERVER(site), '--ssl-request-cert', '--ssl-reject-unauthorized', '--ssl-ca', site.pem('ca.crt')],
    publicUrl: https,
    rows: [letIn(askPublic, [200, 'refused', 'refused'])],
  },
  {
    options: ['--redirect-port'],
    flags: (site, { redirect }) => [...SERVER(site), '--redirect-port', `${redirect}`],
    publicUrl: https,
    rows: redirectRows,
  },
  {
    options: ['--redirect-to'],
    flags: (site, { redirect }) => [...SERVER(site), '--redirect-port', `${redirect}`, '--redirect-to', '8443'],
    publicUrl: https,
    rows: [redirectTo('https://hub.example:8443/x')],
  },
  {
    options: ['--redirect-to 443'],
    flags: (site, { redirect }) => [...SERVER(site), '--redirect-port', `${redirect}`, '--redirect-to', '443'],
    publicUrl: https,
    rows: [redirectTo('https://hub.example/x', 'https://hub.example:443/x')],
  },
  {
    options: [
      '--api-ssl-key',
      '--api-ssl-cert',
      '--api-ssl-request-cert',
      '--api-ssl-reject-unauthorized',
      '--api-ssl-ca',
    ],
    flags: site => [
      ...['--api-ssl-key', site.pem('locked.key'), '--api-ssl-cert', site.pem('server.crt'), '--api-ssl-request-cert'],
      ...['--api-ssl-reject-unauthorized', '--api-ssl-ca', site.pem('ca.crt')],
    ],
    env: { CONFIGPROXY_API_SSL_KEY_PASSPHRASE: PASSPHRASE },
    apiUrl,
    rows: [letIn(askApi, [200, 'refused', 'refused'])],
  },
  {
    options: ['--api-ssl-key and --api-ssl-cert alone'],
    flags: API_SERVER,
    apiUrl,
    rows: [letIn(askApi, [200, 200, 200])],
  },
  {
    options: ['--client-ssl-ca'],
    flags: site => ['--client-ssl-ca', site.pem('ca.crt')],
    rows: upstreamRows([503, null]),
  },
  {
    options: ['--client-ssl-key', '--client-ssl-cert', '--client-ssl-request-cert', '--client-ssl-reject-unauthorized'],
    flags: site => [
      ...['--client-ssl-key', site.pem('client.key'), '--client-ssl-cert', site.pem('client.crt')],
      ...['--client-ssl-ca', site.pem('ca.crt'), '--client-ssl-request-cert', '--client-ssl-reject-unauthorized'],
    ],
    rows: [
      ...upstreamRows([200, 'client']),
      differs(
        'proxy-target-names',
        'the certificate of a target is its own, not that of the host asked for',
        async (proxy, { secureUrl }) => {
          await proxy.addRoute('/named', secureUrl)
          return (await proxy.ask('/named', { headers: { host: 'hub.example' } })).status
        },
        200,
        503,
      ),
    ],
  },
  {
    options: ['no authority for targets'],
    flags: () => [],
    rows: [
      row(
        'a target whose authority is not known',
        async (proxy, { secureUrl }) => {
          await proxy.addRoute('/secure', secureUrl)
          return (await proxy.ask('/secure', { headers: { host: 'localhost' } })).status
        },
        503,
      ),
    ],
  },
  {
    options: ['--insecure'],
    flags: () => ['--insecure'],
    rows: [
      differs(
        'proxy-insecure',
        'a target whose authority is not known',
        async (proxy, { secureUrl }) => {
          await proxy.addRoute('/secure', secureUrl)
          return (await proxy.ask('/secure', { headers: { host: 'localhost' } })).status
        },
        200,
        503,
      ),
    ],
  },
]
