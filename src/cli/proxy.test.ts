import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../test/support/until.ts'
import { TEST_CERT, TEST_KEY } from '../proxy/testing/certificate.ts'
import { connectRaw, echo, freePort, startUpstream } from '../proxy/testing/sockets.ts'
import { apiOf, commandOf, spawnProxy } from '../proxy/testing/spawn-proxy.ts'

const newFolder = () => mkdtempSync(join(tmpdir(), 'proxy-'))
const runToEnd = (...flags: string[]) =>
  spawnSync(process.execPath, [...commandOf('orrery'), ...flags], { encoding: 'utf8', timeout: 30_000 })
const records = (log: string) =>
  log
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { level: number; msg: string; [key: string]: unknown })

function writeCertificate(): { key: string; cert: string } {
  const folder = newFolder()
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(key, TEST_KEY, { mode: 0o600 })
  writeFileSync(cert, TEST_CERT)
  return { key, cert }
}

function getSecurely(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { ca: TEST_CERT, agent: false }, async res => {
        let body = ''
        for await (const chunk of res) body += chunk
        resolve({ status: res.statusCode!, body })
      })
      .on('error', reject)
  })
}

function echoSecurely(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { ca: TEST_CERT })
    socket.on('open', () => socket.send(text))
    socket.on('error', reject)
    socket.on('message', data => {
      resolve(data.toString())
      socket.close()
    })
  })
}

describe('orrery proxy', () => {
  it('serves its routes at once after kill -9', async () => {
    const snapshot = join(newFolder(), 'routes.json')
    await using upstream = await startUpstream()
    await using first = await spawnProxy('orrery', ['--snapshot', snapshot])
    await apiOf(first).addRoute('/user/ann/', upstream.url, { user: 'ann' })

    await first.stop('SIGKILL')
    await using second = await spawnProxy('orrery', ['--snapshot', snapshot])

    assert.equal((await fetch(`${second.url}/user/ann/lab`)).status, 200)
    assert.deepEqual((await apiOf(second).getRoutes()).get('/user/ann/')?.data, { user: 'ann' })
  })

  it('sets a corrupt snapshot aside and goes on', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'routes.json'), '{"version":1,"routes":[["/a"')

    await using proxy = await spawnProxy('orrery', ['--snapshot', join(folder, 'routes.json')])

    assert.equal((await fetch(`${proxy.url}/a`)).status, 404)
    assert.ok(readdirSync(folder).some(name => name.startsWith('routes.json.corrupt-')))
    assert.ok(records(proxy.log()).some(({ level, msg }) => level === 40 && /snapshot is corrupt/.test(msg)))
  })

  it('ends with 75 and a sentence when its port is taken', async () => {
    await using taken = await startUpstream()

    const { status, stdout } = runToEnd('--ip', '127.0.0.1', '--port', `${taken.port}`, '--api-port', '0')

    assert.equal(status, 75)
    assert.match(stdout, new RegExp(`Another program already listens on 127.0.0.1:${taken.port}`))
  })

  it('ends with 78 and all faults at once when its options are wrong', () => {
    const { status, stdout } = runToEnd(
      '--storage-backend',
      'x',
      '--redirect-port',
      '80',
      '--error-target',
      'nowhere',
      '--custom-header',
      'a b: c',
    )

    assert.equal(status, 78)
    assert.match(stdout, /--storage-backend.*--redirect-port.*--error-target.*--custom-header/)
  })

  for (const [how, flags] of [
    ['in its place', []],
    ['as a child of it, under an older Node', ['--import', 'data:text/javascript,delete process.execve']],
  ] as const) {
    it(`is gone when the program that it was started with is killed, having run ${how}`, async () => {
      const command = [...flags, join(import.meta.dirname, '../../bin/orrery.mjs'), 'proxy', '--ip', '127.0.0.1']
      const started = spawn(process.execPath, [...command, '--port', '0', '--api-port', '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      started.stdout.on('data', chunk => (output += chunk))
      await until('the proxy is ready', () => output.includes('proxy ready')).finally(() => started.kill('SIGKILL'))
      const { pid, url } = records(output).find(({ msg }) => msg === 'proxy ready')!

      assert.equal(pid === started.pid, flags.length === 0)
      await until('nobody listens any more', () =>
        fetch(String(url)).then(
          () => false,
          () => true,
        ),
      )
    })
  }

  it('refuses options that do not exist or that exclude each other', () => {
    assert.notEqual(runToEnd('--no-such-option').status, 0)
    assert.notEqual(runToEnd('--socket', '/tmp/x', '--port', '1').status, 0)
    assert.notEqual(runToEnd('--port', 'many').status, 0)
  })

  it('ends with 0 when told to, hangups do not matter, and its pid file goes with it', async () => {
    const pidFile = join(newFolder(), 'proxy.pid')
    await using proxy = await spawnProxy('orrery', ['--pid-file', pidFile])
    await until('the pid file', () => existsSync(pidFile))
    assert.equal(readFileSync(pidFile, 'utf8'), String(proxy.child.pid))

    proxy.child.kill('SIGHUP')
    await until('the hangup', () => proxy.log().includes('hangup ignored'))
    await proxy.stop('SIGTERM')

    assert.equal(proxy.child.exitCode, 0)
    assert.equal(existsSync(pidFile), false)
  })

  it('does not wait for WebSockets or idle connections when it ends', async () => {
    await using upstream = await startUpstream()
    upstream.server.on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    })
    await using proxy = await spawnProxy('orrery', ['--default-target', upstream.url])
    await (await fetch(proxy.url)).text()
    await using connection = connectRaw(
      proxy.port,
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    )
    await connection.until(' 101 ')
    const since = Date.now()

    await proxy.stop('SIGTERM')

    assert.equal(proxy.child.exitCode, 0)
    assert.ok(Date.now() - since < 4000)
    await connection.untilClosed()
  })

  it('logs one JSON record a line, and neither queries nor tokens', async () => {
    await using proxy = await spawnProxy('orrery', ['--log-level', 'debug'])
    await fetch(`${proxy.url}/nowhere?token=hunter2`, { headers: { Authorization: 'token hunter3' } })
    await proxy.api('GET', '', undefined, 'hunter4')
    await until('the record', () => proxy.log().includes('"/nowhere"'))

    assert.ok(records(proxy.log()).length > 1)
    assert.doesNotMatch(proxy.log(), /hunter|test-token/)
  })

  it('speaks HTTPS with key and certificate, and redirects to it', async () => {
    const { key, cert } = writeCertificate()
    await using upstream = await startUpstream()
    new WebSocketServer({ server: upstream.server }).on('connection', socket => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    })
    const flags = ['--ssl-key', key, '--ssl-cert', cert, '--redirect-port', '0', '--default-target', upstream.url]
    await using proxy = await spawnProxy('orrery', flags)

    const { status, body } = await getSecurely(`https://localhost:${proxy.port}/x`)
    const echoed = await echoSecurely(`wss://localhost:${proxy.port}/ws`, 'x'.repeat(100_000))
    await until('the record', () => proxy.log().includes('proxy ready'))
    const redirect = records(proxy.log()).find(({ msg }) => msg === 'proxy ready')!.redirect as string
    const redirected = await fetch(`${redirect}/a?b=c`, { redirect: 'manual' })

    assert.equal(status, 200)
    assert.equal(JSON.parse(body).headers['x-forwarded-proto'], 'https')
    assert.equal(echoed.length, 100_000)
    assert.equal(redirected.status, 301)
    assert.equal(redirected.headers.get('location'), `https://127.0.0.1:${proxy.port}/a?b=c`)
  })

  it('verifies https targets unless told not to', async () => {
    const { cert } = writeCertificate()
    const server = https.createServer({ key: TEST_KEY, cert: TEST_CERT }, echo)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const target = `https://localhost:${(server.address() as { port: number }).port}`
    try {
      const statuses = []
      for (const flags of [[], ['--client-ssl-ca', cert], ['--insecure']]) {
        await using proxy = await spawnProxy('orrery', ['--default-target', target, ...flags])
        statuses.push((await fetch(proxy.url)).status)
      }
      assert.deepEqual(statuses, [503, 200, 200])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('serves the metrics of configurable-http-proxy', async () => {
    const scrape = async (program: 'orrery' | 'configurable-http-proxy') => {
      const port = await freePort()
      await using proxy = await spawnProxy(program, ['--metrics-ip', '127.0.0.1', '--metrics-port', `${port}`])
      await proxy.api('POST', '/a', { target: 'http://127.0.0.1:1' })
      await proxy.api('GET', '')
      await proxy.api('DELETE', '/a')
      await fetch(`${proxy.url}/missing`)
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const named =
        /^(?:requests|api_route)_\w+(?:\{[^}]*\})? \d+$|^(?:find_target_for_req|last_activity_updating)_count \d+$/gm
      return { values: text.match(named)?.toSorted(), types: text.match(/^# TYPE (?!orrery_).*$/gm)?.toSorted() }
    }

    const ours = await scrape('orrery')
    const theirs = await scrape('configurable-http-proxy')

    assert.deepEqual(ours.types, theirs.types)
    assert.deepEqual(
      ours.values?.filter(line => !line.startsWith('last_')),
      theirs.values?.filter(line => !line.startsWith('last_')),
    )
  })

  it('listens on Unix sockets on both sides, and again after kill -9 left them behind', async () => {
    const folder = newFolder()
    const [socket, api] = [join(folder, 'p.sock'), join(folder, 'a.sock')]
    const get = (socketPath: string, path: string) =>
      new Promise<number | undefined>(resolve => {
        const asked = http.get({ socketPath, path, agent: false }, res => resolve(res.resume().statusCode))
        asked.on('error', () => resolve(undefined))
      })
    for (let round = 1; round <= 2; round++) {
      const child = spawn(process.execPath, [...commandOf('orrery'), '--socket', socket, '--api-socket', api])
      const exited = once(child, 'exit')
      try {
        await until('the public socket', async () => (await get(socket, '/x')) === 404)
        await until('the API socket', async () => (await get(api, '/api/routes')) === 200)
      } finally {
        child.kill('SIGKILL')
        await exited
      }
      assert.ok(existsSync(socket))
    }
  })
})
