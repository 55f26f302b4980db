import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/runtime.ts'
import type { KeyPair } from '../../pki/key-pair.ts'
import { makeSelfSigned } from '../../pki/self-signed.ts'
import { proxyApi } from '../api-client.ts'
import { startTestProxy, type TestProxy } from '../testing/running-proxy.ts'
import { startUpstream } from '../testing/sockets.ts'

import type { CertificateReport } from './certificate-report.ts'

const newFolder = () => mkdtempSync(join(tmpdir(), 'tls-'))

async function connect(proxy: { port: number }, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port: proxy.port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function shownName(proxy: { port: number }): Promise<string | undefined> {
  const socket = await connect(proxy)
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return [subject?.CN].flat()[0]
}

async function filesOf(pair: KeyPair, folder = newFolder()) {
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
  writeFileSync(files.key, pair.key)
  writeFileSync(files.cert, pair.cert)
  return files
}

function recorder() {
  const lines: { level: string; message: string; fields: Record<string, unknown> }[] = []
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  const log = { ...silentLogger, info: write('info'), warn: write('warn'), error: write('error') }
  return { log, lines, has: (message: string) => lines.some(line => line.message === message) }
}

describe('the certificate in files', () => {
  it('is replaced by the renewed one without touching the connections that are there', async () => {
    const files = await filesOf(await makeSelfSigned(['old.example'], new Date()))
    await using upstream = await startUpstream()
    new WebSocketServer({ server: upstream.server }).on('connection', peer =>
      peer.on('message', data => peer.send(data)),
    )
    await using proxy = await startTestProxy({ '/': upstream.url }, { certificate: { kind: 'files', files } })
    const kept = await connect(proxy)
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/ws`, { rejectUnauthorized: false })
    await once(socket, 'open')

    await filesOf(await makeSelfSigned(['new.example'], new Date()), join(files.key, '..'))

    await until('the new certificate', async () => (await shownName(proxy)) === 'new.example')
    kept.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.match(String((await once(kept, 'data'))[0]), /^HTTP\/1.1 200/)
    socket.send('still there')
    assert.equal(String((await once(socket, 'message'))[0]), 'still there')
    socket.terminate()
    kept.destroy()
  })

  it('is found behind links that are moved, as certbot and Kubernetes renew', async () => {
    const folder = newFolder()
    const [first, second] = [newFolder(), newFolder()]
    await filesOf(await makeSelfSigned(['first.example'], new Date()), first)
    await filesOf(await makeSelfSigned(['second.example'], new Date()), second)
    symlinkSync(first, join(folder, '..data'))
    const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
    symlinkSync('..data/key.pem', files.key)
    symlinkSync('..data/cert.pem', files.cert)
    await using proxy = await startTestProxy({}, { certificate: { kind: 'files', files } })
    assert.equal(await shownName(proxy), 'first.example')

    symlinkSync(second, join(folder, '..new'))
    renameSync(join(folder, '..new'), join(folder, '..data'))

    await until('the second certificate', async () => (await shownName(proxy)) === 'second.example')
  })

  it('stays when the new files are no pair, and the log says so', async () => {
    const files = await filesOf(await makeSelfSigned(['good.example'], new Date()))
    const { log, lines, has } = recorder()
    await using proxy = await startTestProxy({}, { certificate: { kind: 'files', files }, log })

    writeFileSync(files.cert, (await makeSelfSigned(['other.example'], new Date())).cert)

    await until('the refusal', () => has('new certificate refused, the old one stays'))
    assert.equal(lines.filter(line => line.level === 'error').length, 1)
    assert.equal(await shownName(proxy), 'good.example')
  })

  it('is read again when somebody asks (SIGHUP), at once', async () => {
    const files = await filesOf(await makeSelfSigned(['one.example'], new Date()))
    await using proxy = await startTestProxy({}, { certificate: { kind: 'files', files } })
    await filesOf(await makeSelfSigned(['two.example'], new Date()), join(files.key, '..'))

    await proxy.reloadCertificate()

    assert.equal(await shownName(proxy), 'two.example')
  })

  it('must be usable at the start', async () => {
    const files = await filesOf(await makeSelfSigned(['a'], new Date()))
    rmSync(files.key)

    await assert.rejects(startTestProxy({}, { certificate: { kind: 'files', files } }), {
      code: 'certificate_unusable',
      message: /ENOENT/,
    })
  })

  it('is warned of before it ends, and more so after', async () => {
    const day = 86_400_000
    const expiring = await filesOf(await makeSelfSigned(['a'], new Date(Date.now() - 795 * day)))
    const expired = await filesOf(await makeSelfSigned(['a'], new Date(Date.now() - 801 * day)))
    const [first, second] = [recorder(), recorder()]

    await using _a = await startTestProxy({}, { certificate: { kind: 'files', files: expiring }, log: first.log })
    await using _b = await startTestProxy({}, { certificate: { kind: 'files', files: expired }, log: second.log })

    assert.deepEqual(
      [...first.lines, ...second.lines]
        .filter(line => /certificate/.test(line.message))
        .map(({ level, message }) => [level, message]),
      [
        ['warn', 'certificate expires soon'],
        ['error', 'certificate has expired'],
      ],
    )
  })
})

describe('a self-signed certificate', () => {
  const certificate = (folder: string, names = ['hub.internal', '127.0.0.1', '::1']) =>
    ({ kind: 'self-signed', folder, names }) as const

  it('is made once, kept where only its owner reads it, and made anew for another name', async () => {
    const folder = join(newFolder(), 'tls')
    const shown = async (proxy: TestProxy) => {
      const socket = await connect(proxy)
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      return fingerprint256
    }
    const prints: string[] = []
    for (const names of [['hub.internal', '::1'], ['hub.internal', '::1'], ['other.internal']]) {
      await using proxy = await startTestProxy({}, { certificate: certificate(folder, names) })
      prints.push(await shown(proxy))
    }

    assert.equal(prints[0], prints[1])
    assert.notEqual(prints[1], prints[2])
    const [file] = readdirSync(folder)
    assert.equal(statSync(join(folder, file!)).mode & 0o777, 0o600)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
  })

  it('can be trusted by a client that has it', async () => {
    const folder = newFolder()
    await using upstream = await startUpstream()
    await using proxy = await startTestProxy({ '/': upstream.url }, { certificate: certificate(folder) })

    const ca = readFileSync(join(folder, 'self-signed.pem'), 'utf8').replace(/^.*PRIVATE KEY-----/s, '')
    const asked = request({ host: '127.0.0.1', port: proxy.port, ca, agent: false }).end()
    const [response] = await once(asked, 'response')
    response.resume()

    assert.equal(response.statusCode, 200)
  })

  it('is the same for processes that have made it at the same time', async () => {
    const folder = newFolder()
    const proxies = await Promise.all([1, 2, 3].map(() => startTestProxy({}, { certificate: certificate(folder) })))

    await until('one certificate', async () => {
      const prints = await Promise.all(
        proxies.map(async proxy => {
          const socket = await connect(proxy)
          const print = socket.getPeerCertificate().fingerprint256
          socket.destroy()
          return print
        }),
      )
      return new Set(prints).size === 1
    })
    for (const proxy of proxies) await proxy.close()
  })
})

describe('what operators are told of the certificate', () => {
  const ask = (proxy: TestProxy, token = 'orbit') =>
    fetch(`${proxy.apiAddress.url}/api/certificate`, { headers: { Authorization: `token ${token}` } })

  it('is until when it lasts, for whom, and why there is no newer one', async () => {
    const files = await filesOf(await makeSelfSigned(['hub.example'], new Date()))
    const options = { certificate: { kind: 'files', files }, authToken: 'orbit', metrics: { port: 0 } } as const
    await using proxy = await startTestProxy({}, options)

    const told = (await (await ask(proxy)).json()) as CertificateReport
    assert.partialDeepStrictEqual(told, { kind: 'files', names: ['hub.example'], fault: null })
    assert.equal((await ask(proxy, 'other')).status, 403)
    const metrics = await (await fetch(`${proxy.metricsAddress!.url}/metrics`)).text()
    const seconds = Number(/^tls_certificate_expiry_timestamp_seconds (\d+)/m.exec(metrics)?.[1])
    assert.equal(seconds * 1000, Date.parse(`${told.not_after}`))

    writeFileSync(files.cert, 'nothing')
    const after = (await (await ask(proxy)).json()) as CertificateReport
    assert.equal(after.not_after, null)
    assert.match(`${after.fault}`, /cannot be used/)
  })

  it('is nothing where there is none', async () => {
    await using proxy = await startTestProxy({}, { authToken: 'orbit' })

    assert.equal((await ask(proxy)).status, 404)
  })

  it('reaches the hub, and does not disturb it with another proxy', async () => {
    const certificate = { kind: 'self-signed', folder: newFolder(), names: ['hub.internal'] } as const
    await using proxy = await startTestProxy({}, { certificate, authToken: 'orbit' })
    await using other = await startUpstream((_req, res) => res.writeHead(404).end())
    const certificateOf = (url: string) => proxyApi({ url, token: 'orbit' }).certificate()

    assert.deepEqual((await certificateOf(proxy.apiAddress.url))?.names, ['hub.internal'])
    assert.equal(await certificateOf(other.url), undefined)
  })
})

describe('TLS of the public side', () => {
  it('speaks nothing older than TLS 1.2, and no cipher without forward secrecy', async () => {
    await using proxy = await startTestProxy(
      {},
      { certificate: { kind: 'self-signed', folder: newFolder(), names: ['a'] } },
    )

    const modern = await connect(proxy)
    assert.equal(modern.getProtocol(), 'TLSv1.3')
    modern.destroy()
    const older = await connect(proxy, { maxVersion: 'TLSv1.2' })
    assert.match(older.getCipher().name, /^ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/)
    older.destroy()
    const refused = { ciphers: 'DEFAULT@SECLEVEL=0' }
    await assert.rejects(connect(proxy, { ...refused, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
    await assert.rejects(connect(proxy, { ciphers: 'AES128-SHA:ECDHE-ECDSA-AES128-SHA', maxVersion: 'TLSv1.2' }))
  })

  it('says that it wants HTTPS from now on, over HTTPS and unless the server behind says it itself', async () => {
    await using upstream = await startUpstream((req, res) => {
      if (req.url === '/own') res.setHeader('Strict-Transport-Security', 'max-age=1')
      res.end()
    })
    const routes = { '/lab': upstream.url, '/own': upstream.url }
    const certificate = { kind: 'self-signed', folder: newFolder(), names: ['a'] } as const
    await using proxy = await startTestProxy(routes, { certificate, hstsSeconds: 600 })
    await using plain = await startTestProxy(routes, { hstsSeconds: 600 })
    const header = async (path: string) => {
      const asked = request({
        host: '127.0.0.1',
        port: proxy.port,
        path,
        rejectUnauthorized: false,
        agent: false,
      }).end()
      const [response] = await once(asked, 'response')
      response.resume()
      return response.headers['strict-transport-security']
    }

    assert.equal(await header('/lab'), 'max-age=600')
    assert.equal(await header('/missing'), 'max-age=600')
    assert.equal(await header('/own'), 'max-age=1')
    assert.equal((await fetch(`${plain.url}/lab`)).headers.get('strict-transport-security'), null)
  })

  it('resumes sessions after the certificate was loaded anew', async () => {
    const files = await filesOf(await makeSelfSigned(['one.example'], new Date()))
    await using proxy = await startTestProxy({}, { certificate: { kind: 'files', files } })
    const first = await connect(proxy, { maxVersion: 'TLSv1.2' })
    const session = first.getSession()
    first.destroy()

    await filesOf(await makeSelfSigned(['two.example'], new Date()), join(files.key, '..'))
    await proxy.reloadCertificate()

    const second = await connect(proxy, { maxVersion: 'TLSv1.2', session })
    assert.ok(second.isSessionReused())
    second.destroy()
  })
})
