/** nginx, Apache, Caddy and HAProxy in front of Orrery, each with the very config that the documentation gives. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/how-to/put-behind-a-web-server.md'), 'utf8')
const MODULES = 'mpm_event authn_core authz_core headers ssl socache_shmcb proxy proxy_http'.split(' ')
/** Not that of the web server, which the hub must see through. */
const CLIENT_ADDRESS = '127.0.0.2'

/** The block of a language as the page has it, with this test's ports and files in the place of the page's. */
function documented(language: string, { dir, frontPort, port }: Places): string {
  const [, block] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?\\n) *\`\`\``).exec(PAGE)!
  return block!
    .replaceAll('127.0.0.1:8000', `127.0.0.1:${port}`)
    .replaceAll('/etc/ssl/jupyter', `${dir}/jupyter`)
    .replace('listen 443', `listen 127.0.0.1:${frontPort}`)
    .replace('*:443', `127.0.0.1:${frontPort}`)
    .replaceAll('jupyter.example.org', 'localhost')
}

interface Places {
  readonly dir: string
  readonly frontPort: number
  readonly port: number
}

const FRONTS = {
  nginx: {
    baseUrl: '/',
    command: (dir: string) => ['/usr/sbin/nginx', '-e', join(dir, 'error.log'), '-c', join(dir, 'front.conf')],
    config: (places: Places) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      return `daemon off; worker_processes 1; pid ${places.dir}/nginx.pid; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
access_log off;
${temporary.map(name => `${name}_temp_path ${places.dir}/${name};`).join(' ')}
${documented('nginx', places)}
}`
    },
  },
  Apache: {
    baseUrl: '/jupyter/',
    command: (dir: string) => ['/usr/sbin/apache2', '-f', join(dir, 'front.conf'), '-DFOREGROUND'],
    config: (places: Places) => `ServerRoot ${places.dir}
ServerName localhost
PidFile ${places.dir}/apache.pid
DefaultRuntimeDir ${places.dir}
ErrorLog ${places.dir}/error.log
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
Listen 127.0.0.1:${places.frontPort}
${MODULES.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${documented('apache', places).replace(/ProxyPass \/ (\S+)\//, 'ProxyPass /jupyter/ $1/jupyter/')}`,
  },
  Caddy: {
    baseUrl: '/',
    command: (dir: string) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(dir, 'front.conf')],
    config: (places: Places) => `{
admin off
default_bind 127.0.0.1
auto_https disable_redirects
grace_period 1s
log {
level ERROR
}
}
${documented('caddy', places).replace('localhost {', `localhost:${places.frontPort} {`)}`,
  },
  HAProxy: {
    baseUrl: '/jupyter/',
    command: (dir: string) => ['/usr/sbin/haproxy', '-q', '-db', '-f', join(dir, 'front.conf')],
    config: (places: Places) =>
      documented('haproxy', places).replace('default_backend orrery', 'use_backend orrery if { path_beg /jupyter/ }'),
  },
}

for (const [name, front] of Object.entries(FRONTS)) {
  describe(`behind ${name}, at ${front.baseUrl}`, { timeout: 300_000 }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'orrery-front-'))
    const at = (path: string) => front.baseUrl + path
    let url: string
    let ca: string
    let server: ChildProcess
    let orrery: OrreryProcess
    let ada: HttpSession
    let token: string

    before(async () => {
      execFileSync(join(import.meta.dirname, '../testbed/front.sh'), { stdio: ['ignore', 'ignore', 'inherit'] })
      const [frontPort] = (await freePorts(1)) as [number]
      url = `https://localhost:${frontPort}`
      ca = makeCertificate(dir)
      orrery = await startOrrery({
        config: {
          baseUrl: front.baseUrl,
          publicUrl: `${url}${front.baseUrl}`,
          trustedDownstreamIps: ['127.0.0.1'],
          authenticator: { kind: 'dummy' },
          access: { allowAll: true },
          servers: { cmd: singleUserCommand(), startTimeout: '2m', httpTimeout: '2m' },
        },
      })
      writeFileSync(join(dir, 'front.conf'), front.config({ dir, frontPort, port: Number(new URL(orrery.url).port) }))
      const [command, ...args] = front.command(dir)
      const env = { ...process.env, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir } // Caddy's
      server = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
      await until(`${name} listens`, () => accepts(frontPort))
      ada = new HttpSession(url, { ca, localAddress: CLIENT_ADDRESS })
    })
    after(async () => {
      if (server?.exitCode === null && server.kill()) await once(server, 'exit')
      await orrery?.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    it('people sign in: addresses, secure cookies, the address that they come from', async () => {
      const login = await ada.go(at('hub/login'))
      const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(await login.text())?.[1] ?? ''
      const body = new URLSearchParams({ _xsrf: xsrf, username: 'ada', password: 'any' })
      const headers = { 'x-forwarded-for': '192.0.2.99' } // whoever claims so
      const answer = await ada.once(at('hub/login'), { method: 'POST', body, headers })

      assert.equal(answer.status, 302)
      assert.match(answer.headers.getSetCookie().join('\n'), /^jupyterhub-hub-login=.*; Secure/m)
      assert.equal((await ada.go(at('hub/home'))).at, `${url}${at('hub/home')}`)
      const log = () => readFileSync(join(orrery.dataDir, 'log/hub.log'), 'utf8').split('\n')
      const signedIn = await until('the log of the hub', () => log().find(line => line.includes('"signed in"')))
      assert.equal((JSON.parse(signedIn) as { address: string }).address, CLIENT_ADDRESS)
    })

    it('a cell runs, over a WebSocket', async () => {
      token = await tokenOf()
      await ada.go(at('hub/spawn/ada'))
      const ready = async () => (await ada.once(at('user/ada/api/status'), { headers: authorized() })).status === 200
      await until('the server is ready', ready, 120_000)
      const kernel = await startKernel(`${url}${at('user/ada')}`, token, { socket: { ca } })

      assert.equal(await kernel.run('print(6 * 7 * 1000)'), '42000\n')
      kernel.close()
    })

    it('large files go up, and names with odd letters arrive as they are', async () => {
      const content = 'x'.repeat(20 * 1024 * 1024)
      const path = at('user/ada/api/contents/odd%20%2523%20%C3%BC.txt')
      const body = JSON.stringify({ type: 'file', format: 'text', content })
      const put = await ada.once(path, { method: 'PUT', body, headers: authorized() })
      const got = await ada.once(`${path}?content=0`, { headers: authorized() })

      assert.equal(put.status, 201)
      assert.partialDeepStrictEqual(await got.json(), { name: 'odd %23 ü.txt', size: content.length })
    })

    const authorized = () => ({ authorization: `token ${token}` })

    async function tokenOf(): Promise<string> {
      const body = JSON.stringify({ auth: { username: 'ada', password: 'any' } })
      const made = await new HttpSession(url, { ca }).once(at('hub/api/users/ada/tokens'), { method: 'POST', body })
      return ((await made.json()) as { token: string }).token
    }
  })
}

/** Returns the certificate, which is its own authority. */
function makeCertificate(dir: string): string {
  const [key, certificate] = [join(dir, 'jupyter.key'), join(dir, 'jupyter.pem')]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const pem = readFileSync(certificate, 'utf8')
  writeFileSync(join(dir, 'jupyter-both.pem'), pem + readFileSync(key, 'utf8'))
  return pem
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
