/** The whole program with internal TLS, a real single-user server and a real service: who gets in, and who does not. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { preparePki } from '../../src/pki/internal/change-pki.ts'
import { componentPaths } from '../../src/pki/internal/component-files.ts'
import { testPki } from '../../src/pki/internal/testing.ts'
import { enterService } from '../support/consent.ts'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../support/own-server.ts'
import { referencePython, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const WATCHER = 'token-of-the-watcher'
const isRoot = process.getuid?.() === 0

describe('internal TLS', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-internal-tls-'))
  const foreign = testPki()
  let orrery: OrreryProcess
  let ada: HttpSession
  let token: string

  before(async () => {
    const ports = await freePorts(2)
    const program = join(folder, 'whoami.py')
    copyFileSync(join(import.meta.dirname, '../support/hub_oauth_service.py'), program)
    chmodSync(folder, 0o755)
    await preparePki(foreign)
    const service = (name: string, port: number) => ({
      name,
      url: `https://127.0.0.1:${port}`,
      command: [referencePython(), program],
      environment: { SERVICE_PORT: String(port) },
      oauthNoConfirm: false,
    })
    const config = {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true },
      servers: { cmd: singleUserCommand(), startTimeout: '2m', httpTimeout: '2m' },
      internalTls: { enabled: true },
      log: { level: 'debug' },
      services: [
        service('whoami', ports[0]!),
        // Only root can become another user.
        ...(isRoot ? [{ ...service('theirs', ports[1]!), user: 'nobody' }] : []),
        { name: 'watcher', apiToken: WATCHER, admin: true },
      ],
      roles: [{ name: 'user', scopes: ['self', 'access:services'] }],
    }
    orrery = await startOrrery({ args: ['--stop-servers'], config })
    ada = await personWithServer(orrery.url, 'ada')
    token = await tokenOf(orrery.url, 'ada')
  })
  after(async () => {
    await orrery?.stop()
    foreign[Symbol.dispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const pkiFolder = () => join(orrery.dataDir, 'hub/internal-tls')
  const pki = (...words: string[]) =>
    execFileSync(
      process.execPath,
      [
        join(import.meta.dirname, '../../bin/orrery.mjs'),
        'pki',
        ...words,
        ...['--data-dir', orrery.dataDir, '--config', join(orrery.dataDir, 'orrery.config.json')],
      ],
      { encoding: 'utf8' },
    )
  const ask = async (path: string) => {
    const answer = await fetch(`${orrery.url}/hub/api${path}`, { headers: { authorization: `token ${WATCHER}` } })
    assert.equal(answer.status, 200, path)
    return answer.json()
  }
  const routes = async () => (await ask('/proxy')) as Record<string, { target: string }> // as the REST API has it
  const cell = async (name: string, of = token) => {
    const kernel = await startKernel(`${orrery.url}/user/${name}`, of)
    return kernel.run('print(6 * 7)').finally(() => kernel.close())
  }

  it('runs a cell in a server that all parts reach over TLS', async () => {
    assert.equal(await cell('ada'), '42\n')
    for (const [spec, { target }] of Object.entries(await routes())) assert.match(target, /^https:/, spec)
    // Servers tell the hub of their activity, over TLS too.
    const told = () => hubLines().some(({ url, status }) => /users\/ada\/activity/.test(String(url)) && status === 200)
    await until('the server has told of its activity', told)
  })

  it('lets nobody in who has no certificate of this hub, and nobody in the clear', async () => {
    const table = await routes()
    const { hub, proxy } = JSON.parse(readFileSync(join(orrery.dataDir, 'orrery.config.json'), 'utf8'))
    const doors = {
      'the hub': hub.bindUrl,
      'the API of the proxy': proxy.apiUrl,
      'the server': table['/user/ada/']!.target,
      'the service': table['/services/whoami/']!.target,
    }
    const read = (name: string, part: 'hub' | 'proxyClient') => readPair(name, part)
    const ca = readFileSync(join(pkiFolder(), 'hub-ca_trust.crt'), 'utf8')
    for (const [door, url] of Object.entries(doors)) {
      const port = Number(new URL(url).port)
      assert.match(await overTls(port, { ...read(pkiFolder(), 'hub'), ca }), /^HTTP\/1\.1 /, `${door}, for the hub`)
      assert.doesNotMatch(await overTls(port, { ca }), /HTTP/, `${door}, without a certificate`)
      const stranger = { ...read(foreign.folder, 'proxyClient'), ca }
      assert.doesNotMatch(await overTls(port, stranger), /HTTP/, `${door}, with a foreign certificate`)
      assert.doesNotMatch(await inTheClear(port), /^HTTP\/1\.1 [1235]|x-jupyterhub/i, `${door}, in the clear`)
    }
  })

  it('keeps the key of a server for its user', {
    skip: !isRoot && 'needs root',
  }, () => {
    const root = join(orrery.dataDir, 'run/tls')
    const [server] = readdirSync(root)
    const key = join(root, server!, 'server.key')
    assert.throws(() => execFileSync('cat', [key], { uid: 4242, gid: 4242, stdio: 'ignore' }))
  })

  it('holds for managed services, of whatever user', async () => {
    for (const name of isRoot ? ['whoami', 'theirs'] : ['whoami']) {
      const entered = await enterService(ada, `/services/${name}/`)
      assert.equal(entered.status, 200, name)
      assert.partialDeepStrictEqual(await entered.json(), { kind: 'user', name: 'ada' })
    }
  })

  it('outlives a hub and a proxy', async () => {
    await orrery.killPart('hub')
    await orrery.killPart('proxy')
    await until('the server is reached again', async () => (await cellOr('ada')) === '42\n')
  })

  it('exchanges its authorities under running servers, which stay reachable', async () => {
    const before = pki('list')
    assert.match(pki('rotate'), /rotated notebooks-ca/)
    assert.match(pki('list'), /former {6,}notebooks-ca/)
    assert.notEqual(pki('list'), before)
    // Not yet started anew: hub and proxy show what they had. The server that starts now has a certificate of the new authority.
    const eve = await personWithServer(orrery.url, 'eve')
    assert.ok(eve)
    const tokenOfEve = await tokenOf(orrery.url, 'eve')
    assert.equal(await cell('eve', tokenOfEve), '42\n')
    assert.equal(await cell('ada'), '42\n')

    for (const part of ['proxy', 'hub'] as const) await orrery.killPart(part)
    await until('old servers are reached', async () => (await cellOr('ada')) === '42\n')
    await until('new ones too', async () => (await cellOr('eve', tokenOfEve)) === '42\n')
    // Signing in there has the old server ask the hub, which shows a certificate of its new authority.
    const again = new HttpSession(orrery.url)
    await again.signIn('ada', 'any')
    assert.equal((await again.go('/user/ada/')).status, 200)

    assert.throws(() => pki('retire'), /pki_servers_left|servers were started before|ada\//)
  })

  it('leaves no key of a server that was stopped', async () => {
    for (const name of ['ada', 'eve']) {
      const headers = { authorization: `token ${WATCHER}` }
      await fetch(`${orrery.url}/hub/api/users/${name}/server`, { method: 'DELETE', headers })
    }
    await until(
      'they are stopped',
      () => readdirSync(join(orrery.dataDir, 'run/tls')).length === (isRoot ? 1 : 0),
      60_000,
    )
    assert.match(pki('retire'), /retired notebooks-ca/)
  })

  const cellOr = (name: string, of = token) => cell(name, of).catch(error => String(error))
  const hubLines = () =>
    readFileSync(join(orrery.dataDir, 'log/hub.log'), 'utf8')
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Record<string, unknown>)
})

function readPair(folder: string, part: 'hub' | 'proxyClient') {
  const { key, cert } = componentPaths(folder, part)
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

const REQUEST = 'GET /hub/api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'

/** What is answered, or why nothing is. */
async function overTls(port: number, tls: { key?: string; cert?: string; ca: string }): Promise<string> {
  return exchange(connectTls({ host: '127.0.0.1', port, ...tls }))
}

async function inTheClear(port: number): Promise<string> {
  return exchange(connect(port, '127.0.0.1'))
}

function exchange(socket: ReturnType<typeof connect>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let said = ''
  socket.on('data', chunk => (said += chunk))
  socket.on('error', error => resolve(said || (error as NodeJS.ErrnoException).code || error.message))
  socket.on('close', () => resolve(said))
  socket.setTimeout(20_000, () => socket.destroy(new Error('silence')))
  socket.write(REQUEST)
  return promise
}
