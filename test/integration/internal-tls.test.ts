/** The whole program with internal TLS, a real single-user server and a real service: who gets in, and who does not. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { preparePki } from '../../src/pki/internal/change-pki.ts'
import { componentPaths } from '../../src/pki/internal/component-files.ts'
import { testPki } from '../../src/pki/internal/testing.ts'
import { commandOf } from '../../src/proxy/testing/spawn-proxy.ts'
import { enterService } from '../support/consent.ts'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../support/own-server.ts'
import { referencePython, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
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
    chmodSync(program, 0o644)
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
  // Not in sync: connections that are kept would be found closed too late.
  const pki = async (...words: string[]) => {
    const program = join(import.meta.dirname, '../../bin/orrery.mjs')
    const site = ['--data-dir', orrery.dataDir, '--config', join(orrery.dataDir, 'orrery.config.json')]
    return (await run(process.execPath, [program, 'pki', ...words, ...site])).stdout
  }
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
      const entered = await enterService(ada, `/services/${name}/`).catch(error => {
        const said = hubLines().filter(({ service }) => service === name)
        throw new Error(`${name}: ${JSON.stringify(said.slice(-20))}`, { cause: error })
      })
      assert.equal(entered.status, 200, name)
      assert.partialDeepStrictEqual(await entered.json(), { kind: 'user', name: 'ada' })
    }
  })

  it('gives programs certificates to ask the hub directly', async () => {
    const out = join(folder, 'issued')
    await pki('issue', 'script', '--out', out)
    const read = (file: string) => readFileSync(join(out, file), 'utf8')
    const { hub } = JSON.parse(readFileSync(join(orrery.dataDir, 'orrery.config.json'), 'utf8'))
    const tls = { key: read('server.key'), cert: read('server.crt'), ca: read('ca.crt') }
    assert.match(await overTls(Number(new URL(hub.bindUrl).port), tls), /^HTTP\/1\.1 200/)
  })

  it('outlives a hub and a proxy', async () => {
    await orrery.killPart('hub')
    await orrery.killPart('proxy')
    await until('the server is reached again', async () => (await cellOr('ada')) === '42\n')
  })

  it('exchanges its authorities under running servers, which stay reachable', async () => {
    assert.match(await pki('rotate'), /rotated notebooks-ca/)
    assert.match(await pki('list'), /former {6,}notebooks-ca/)
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

    await assert.rejects(pki('retire'), /1 servers were started before .*ada\//)
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
    assert.match(await pki('retire'), /retired notebooks-ca/)
    // Hub and proxy have taken over the new certificates, or a server that knows nothing else could not be reached.
    await personWithServer(orrery.url, 'ada')
    await until('the server is reached', async () => (await cellOr('ada')) === '42\n')
  })

  const cellOr = (name: string, of = token) => cell(name, of).catch(error => String(error))
  const hubLines = () =>
    readFileSync(join(orrery.dataDir, 'log/hub.log'), 'utf8')
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Record<string, unknown>)
})

/** As JupyterHub's own documentation has it, with servers of users that need not exist. */
const PYTHON_CONFIG = `
c.JupyterHub.internal_ssl = True
c.JupyterHub.trusted_alt_names = ['DNS:hub.internal']
c.JupyterHub.authenticator_class = 'dummy'
c.JupyterHub.spawner_class = 'simple'
c.Authenticator.allow_all = True
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.ConfigurableHTTPProxy.command = ${JSON.stringify([process.execPath, ...commandOf('configurable-http-proxy')])}
`

describe('internal TLS of a jupyterhub_config.py, with configurable-http-proxy', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('runs a cell, and the proxy takes orders from nobody else', async () => {
    orrery = await startOrrery({
      args: ['--stop-servers'],
      pythonConfig: () => `${PYTHON_CONFIG}\nc.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`,
    })
    await personWithServer(orrery.url, 'ada')
    const kernel = await startKernel(`${orrery.url}/user/ada`, await tokenOf(orrery.url, 'ada'))
    assert.equal(await kernel.run('print(6 * 7)'), '42\n')
    kernel.close()

    const config = readFileSync(join(orrery.dataDir, 'site/jupyterhub_config.py'), 'utf8')
    const port = Number(/api_url = 'http:\/\/127\.0\.0\.1:(\d+)'/.exec(config)?.[1])
    const folder = join(orrery.dataDir, 'hub/internal-tls')
    const ca = readFileSync(join(folder, 'hub-ca_trust.crt'), 'utf8')
    assert.match(await overTls(port, { ...readPair(folder, 'hub'), ca }), /^HTTP\/1\.1 /)
    assert.doesNotMatch(await overTls(port, { ...readPair(folder, 'proxyClient'), ca }), /HTTP/)
    assert.doesNotMatch(await overTls(port, { ca }), /HTTP/)
    assert.doesNotMatch(await inTheClear(port), /^HTTP\/1\.1 [1235]/)
  })
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
