/** What lies behind both programs: upstreams of all kinds, error pages, certificates. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http, { type Server } from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { echo, startUpstream, type Upstream } from '../../../src/proxy/testing/sockets.ts'
import type { ProxyProgram } from '../../../src/proxy/testing/spawn-proxy.ts'

export interface Site extends AsyncDisposable {
  readonly dir: string
  /** Tells each request as it arrived; echoes WebSocket messages after telling theirs. */
  readonly echo: Upstream
  /** The same on a Unix socket. */
  readonly socketPath: string
  /** The same over TLS; says in `client` whom its client showed itself as. */
  readonly secureUrl: string
  /** The same again, for clients of the site's authority alone. */
  readonly guardedUrl: string
  /** Refuses connections. */
  readonly deadUrl: string
  /** A folder of this program's own with `404.html` and `error.html`. */
  pages(program: ProxyProgram): string
  /** PEM file of the site: `ca.crt`, `server.key`, `client.crt` ... */
  pem(name: string): string
}

export async function startSite(): Promise<Site> {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-proxy-table-'))
  makeCertificates(dir)
  const pem = (name: string) => join(dir, name)
  const pages = (program: ProxyProgram) => {
    const folder = join(dir, `pages-${program}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, '404.html'), 'own 404')
    writeFileSync(join(folder, 'error.html'), 'own page for the rest')
    return folder
  }

  const plain = await startUpstream()
  echoMessages(plain.server)
  const socketPath = join(dir, 'upstream.sock')
  const onSocket = http.createServer(echo).listen(socketPath)
  echoMessages(onSocket)
  const identity = { key: readFileSync(pem('server.key')), cert: readFileSync(pem('server.crt')) }
  const secure = startSecure({ ...identity })
  const guarded = startSecure({ ...identity, ca: readFileSync(pem('ca.crt')), requestCert: true })
  const urlOf = async (server: Server) => {
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
    return `https://localhost:${(server.address() as { port: number }).port}` // listens on TCP
  }
  return {
    dir,
    echo: plain,
    socketPath,
    secureUrl: await urlOf(secure),
    guardedUrl: await urlOf(guarded),
    deadUrl: 'http://127.0.0.1:1',
    pages,
    pem,
    async [Symbol.asyncDispose]() {
      await plain[Symbol.asyncDispose]()
      for (const server of [onSocket, secure, guarded]) {
        server.closeAllConnections()
        server.close()
      }
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function startSecure(options: https.ServerOptions): https.Server {
  const server = https.createServer(options, (req, res) => {
    const { subject } = (req.socket as TLSSocket).getPeerCertificate() // an HTTPS server has no other sockets
    res.setHeader('X-Client', subject?.CN ?? 'nobody')
    void echo(req, res)
  })
  echoMessages(server)
  return server.listen(0, '127.0.0.1')
}

function echoMessages(server: Server): void {
  new WebSocketServer({ server }).on('connection', (socket, { url, headers }) => {
    socket.send(JSON.stringify({ url, headers }))
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
}

export const PASSPHRASE = 'only for tests'

/** An authority with a server and a client, the same key encrypted, and a client of somebody else's authority. */
function makeCertificates(dir: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  const ca = (name: string) =>
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`],
    )
  const issue = (name: string, by: string, extension: string) => {
    openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`],
    )
    writeFileSync(join(dir, `${name}.ext`), extension)
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial'],
      ...['-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    )
  }
  ca('ca')
  ca('foreign-ca')
  issue('server', 'ca', 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n')
  issue('client', 'ca', 'extendedKeyUsage=clientAuth\n')
  issue('foreign', 'foreign-ca', 'extendedKeyUsage=clientAuth\n')
  openssl('pkcs8', '-topk8', '-in', 'server.key', '-out', 'locked.key', '-passout', `pass:${PASSPHRASE}`)
  openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048', '-out', 'dh.pem')
}
