/** A real authority issues and renews: Pebble. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import tls, { type TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import { freePort, startUpstream, type Upstream } from '../../src/proxy/testing/sockets.ts'
import { commandOf, TOKEN } from '../../src/proxy/testing/spawn-proxy.ts'
import { type Pebble, startPebble, withoutPebble } from '../support/pebble.ts'
import { until } from '../support/until.ts'

interface AcmeProxy extends AsyncDisposable {
  readonly port: number
  readonly folder: string
  log(): string
}

async function startAcmeProxy(
  pebble: Pebble,
  upstream: Upstream,
  names: readonly string[],
  flags: readonly string[],
  more: { port?: number; folder?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<AcmeProxy> {
  const port = more.port ?? (await freePort())
  const folder = more.folder ?? join(mkdtempSync(join(tmpdir(), 'acme-')), 'tls')
  const addresses = ['--ip', '127.0.0.1', '--port', `${port}`, '--api-port', `${await freePort()}`]
  const acme = ['--acme', '--acme-directory', pebble.directoryUrl, '--acme-ca', pebble.caFile, '--ssl-folder', folder]
  const child = spawn(
    process.execPath,
    [
      ...commandOf('orrery'),
      ...addresses,
      ...acme,
      ...names.flatMap(name => ['--ssl-name', name]),
      ...['--default-target', upstream.url],
      ...flags,
    ],
    { env: { ...process.env, CONFIGPROXY_AUTH_TOKEN: TOKEN, ...more.env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let log = ''
  child.stdout.on('data', chunk => {
    log += chunk
  })
  await until('the proxy', () => child.exitCode !== null || log.includes('proxy ready'), 60_000)
  return {
    port,
    folder,
    log: () => log,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Undefined as long as the certificate is none of the authority's. */
async function connect(port: number, servername: string, ca: string): Promise<TLSSocket | undefined> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['http/1.1'] })
  try {
    await once(socket, 'secureConnect')
    return socket
  } catch {
    return undefined
  }
}

async function serialNumber(port: number, servername: string, ca: string): Promise<string | undefined> {
  const socket = await connect(port, servername, ca)
  const serial = socket?.getPeerCertificate().serialNumber
  socket?.destroy()
  return serial
}

describe('a certificate over ACME', { skip: withoutPebble, concurrency: true }, () => {
  let pebble: Pebble
  let upstream: Upstream
  let root: string
  before(async () => {
    pebble = startPebble({ lifetimeSeconds: 15 })
    root = await pebble.root()
    upstream = await startUpstream()
    new WebSocketServer({ server: upstream.server }).on('connection', peer =>
      peer.on('message', data => peer.send(data)),
    )
  })
  after(async () => {
    await upstream[Symbol.asyncDispose]()
    pebble[Symbol.dispose]()
  })

  async function issuesAndRenews(proxy: AcmeProxy, names: readonly string[]): Promise<void> {
    const [name = ''] = names
    const kept = await until('the first certificate', () => connect(proxy.port, name, root), 60_000)
    const { serialNumber: first, subjectaltname } = kept.getPeerCertificate()
    const options = { ca: root, servername: name, headers: { Host: name } }
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/ws`, options)
    await once(socket, 'open')

    await until('the renewed one', async () => {
      const now = await serialNumber(proxy.port, name, root)
      return now !== undefined && now !== first
    })

    kept.write(`GET /kept HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
    assert.match(String((await once(kept, 'data'))[0]), /^HTTP\/1.1 200/)
    socket.send('still there')
    assert.equal(String((await once(socket, 'message'))[0]), 'still there')
    assert.equal(subjectaltname, names.map(one => `DNS:${one}`).join(', '))
    socket.terminate()
    kept.destroy()
  }

  it('is issued and renewed over HTTP-01, for several names, while connections go on', async () => {
    const names = ['hub.example.org', 'lab.example.org']
    await using proxy = await startAcmeProxy(pebble, upstream, names, ['--redirect-port', `${pebble.httpPort}`])

    await issuesAndRenews(proxy, names)

    const redirected = get({ host: '127.0.0.1', port: pebble.httpPort, path: '/hub', headers: { Host: names[0] } })
    const [response] = await once(redirected, 'response')
    response.resume()
    assert.equal(response.statusCode, 301)
    assert.equal(response.headers.location, `https://hub.example.org:${proxy.port}/hub`)
    assert.doesNotMatch(proxy.log(), /PRIVATE KEY/)
  })

  it('is issued and renewed over TLS-ALPN-01, on the port of the browsers, while connections go on', async () => {
    const names = ['alpn.example.org']
    await using proxy = await startAcmeProxy(pebble, upstream, names, [], { port: pebble.tlsPort })

    await issuesAndRenews(proxy, names)

    const files = readdirSync(proxy.folder).filter(file => file.endsWith('.pem'))
    assert.equal(files.length, 2, `${files}`)
    for (const file of files) assert.equal(statSync(join(proxy.folder, file)).mode & 0o777, 0o600)
  })
})

describe('an authority that refuses', { skip: withoutPebble }, () => {
  it('is asked again after a growing pause, which a restart does not shorten', async () => {
    using pebble = startPebble({ lifetimeSeconds: 60, externalAccountOnly: true })
    await using upstream = await startUpstream()
    const names = ['eab.example.org']
    const flags = ['--redirect-port', `${pebble.httpPort}`]
    const failures = (folder: string) => {
      const file = readdirSync(folder).find(name => name.startsWith('failures'))
      return file === undefined ? undefined : JSON.parse(readFileSync(join(folder, file), 'utf8'))
    }

    let folder: string
    {
      await using proxy = await startAcmeProxy(pebble, upstream, names, flags)
      folder = proxy.folder
      await until('the refusal', () => proxy.log().includes('no certificate issued'))
    }
    const first = await until('the note', () => failures(folder))
    await using _again = await startAcmeProxy(pebble, upstream, names, flags, { folder })
    assert.deepEqual(failures(folder), first)
    assert.equal(first.count, 1)
    assert.match(first.reason, /externalAccountBinding/)
    assert.ok(first.retryAtMs > Date.now() + 60_000)
  })

  it('issues to an account of its own (external account binding)', async () => {
    using pebble = startPebble({ lifetimeSeconds: 60, externalAccountOnly: true })
    await using upstream = await startUpstream()
    const env = { CONFIGPROXY_ACME_EAB_HMAC_KEY: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' }
    const flags = ['--redirect-port', `${pebble.httpPort}`, '--acme-eab-key-id', 'test-key']
    await using proxy = await startAcmeProxy(pebble, upstream, ['eab.example.org'], flags, { env })

    const root = await pebble.root()
    await until('the certificate', () => serialNumber(proxy.port, 'eab.example.org', root), 60_000)
  })
})
