/** One proxy takes another one's place under load: no request fails, WebSockets go on, and activity is not lost. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../test/support/until.ts'
import { proxyApi } from './api-client.ts'
import { getText } from './testing/get-text.ts'
import { startUpstream, type Upstream } from './testing/sockets.ts'
import { commandOf, TOKEN } from './testing/spawn-proxy.ts'

const CLIENTS = 50
const RESTARTS = 3

describe('a proxy whose place another one takes', () => {
  let upstream: Upstream
  const started: ChildProcess[] = []
  before(async () => {
    upstream = await startUpstream((req, res) => void res.end(`answer to ${req.url}`))
    new WebSocketServer({ server: upstream.server }).on('connection', socket => {
      socket.on('message', data => socket.send(data))
    })
  })
  after(async () => {
    for (const child of started) child.kill('SIGKILL')
    await upstream[Symbol.asyncDispose]()
  })

  /** The pid file says who is the proxy of now. */
  async function start(flags: string[] = []) {
    const pidFile = join(mkdtempSync(join(tmpdir(), 'succession-')), 'pid')
    const own = ['--ip', '127.0.0.1', '--port', '0', '--api-port', '0', '--pid-file', pidFile, ...flags]
    const child = spawn(process.execPath, [...commandOf('orrery'), ...own], {
      env: { ...process.env, CONFIGPROXY_AUTH_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(child)
    let log = ''
    child.stdout.on('data', chunk => {
      log += chunk
    })
    const ready = await until('the proxy', () => {
      const line = log.split('\n').find(line => line.includes('proxy ready'))
      return line !== undefined && (JSON.parse(line) as { url: string; api: string })
    })
    const api = proxyApi({ url: ready.api.replace('/api/routes', ''), token: TOKEN })
    const pid = () => Number(readFileSync(pidFile, 'utf8'))
    return {
      url: ready.url,
      api,
      child,
      pid,
      log: () => log,
      async replace() {
        const former = pid()
        process.kill(former, 'SIGUSR2')
        await until('the successor', () => pid() !== former && pid())
      },
      stop() {
        process.kill(pid(), 'SIGKILL')
      },
    }
  }

  it('fails no request, closes no WebSocket and loses no route, time after time', () => replaceUnderLoad([]))

  it('does so with workers, which the new one has of its own', () => replaceUnderLoad(['--workers', '2']))

  async function replaceUnderLoad(flags: string[]): Promise<void> {
    const proxy = await start(['--keep-alive-timeout', '2000', ...flags])
    await proxy.api.addRoute('/user/ada/', upstream.url, { user: 'ada' })
    const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS })
    const ended = new AbortController()
    let answered = 0
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!ended.signal.aborted) {
        assert.equal(await getText(`${proxy.url}/user/ada/x`, agent), 'answer to /user/ada/x')
        answered++
      }
    })
    const load = Promise.all(clients)
    const echoes = await Promise.all(Array.from({ length: 10 }, () => connect(`${proxy.url}/user/ada/ws`)))
    let routes = 1
    const writer = (async () => {
      while (!ended.signal.aborted) await proxy.api.addRoute(`/user/u${routes++}/`, upstream.url, {})
    })()

    for (let restart = 0; restart < RESTARTS; restart++) {
      const before = answered
      await Promise.race([proxy.replace(), load, writer])
      await until('requests', () => answered > before + CLIENTS)
      for (const echo of echoes) assert.equal(await echo(`after ${restart}`), `after ${restart}`)
    }
    ended.abort()
    await Promise.all([load, writer])

    assert.equal((await proxy.api.getRoutes()).size, routes)
    agent.destroy()
    for (const echo of echoes) echo.close()
    await until('the end of the first one', () => proxy.child.exitCode !== null)
    assert.equal(proxy.child.exitCode, 0)
    assert.doesNotMatch(proxy.log(), /"level":[45]0/)
    proxy.stop()
  }

  it('is told the activity of WebSockets that go on in the former one', async () => {
    const proxy = await start()
    await proxy.api.addRoute('/user/eve/', upstream.url, { user: 'eve' })
    const echo = await connect(`${proxy.url}/user/eve/ws`)
    await proxy.replace()
    const at = async () => (await proxy.api.getRoutes()).get('/user/eve/')!.lastActivity.getTime()

    const sent = Date.now()
    await echo('still here')

    await until('the activity', async () => (await at()) >= sent)
    assert.equal(proxy.child.exitCode, null, 'the former one waits for its WebSocket')
    echo.close()
    await once(proxy.child, 'exit')
    proxy.stop()
  })

  it('goes on when its successor cannot begin', async () => {
    const proxy = await start()
    await proxy.api.addRoute('/user/bob/', upstream.url, {})
    process.kill(proxy.pid(), 'SIGUSR2')
    const children = () => readFileSync(`/proc/${proxy.pid()}/task/${proxy.pid()}/children`, 'utf8').trim() || undefined
    process.kill(Number(await until('the successor', children)), 'SIGKILL')

    await until('the message', () => proxy.log().includes('this proxy goes on'))
    assert.equal(await getText(`${proxy.url}/user/bob/x`), 'answer to /user/bob/x')
    await proxy.api.addRoute('/user/new/', upstream.url, {})
    await proxy.replace()
    assert.ok((await proxy.api.getRoutes()).has('/user/new/'))
    proxy.stop()
  })

  it('ends when its connections have had their time', async () => {
    const proxy = await start(['--drain-timeout', '300'])
    await proxy.api.addRoute('/user/eve/', upstream.url, { user: 'eve' })
    await connect(`${proxy.url}/user/eve/ws`)
    await proxy.replace()
    await until('its end', () => proxy.child.exitCode === 0)
    proxy.stop()
  })
})

/** Sends a text and gives back the next one that comes. */
async function connect(url: string) {
  const socket = new WebSocket(url.replace('http', 'ws'))
  await once(socket, 'open')
  const echo = async (text: string) => {
    const answer = Promise.race([
      once(socket, 'message').then(([data]) => String(data)),
      once(socket, 'close').then(() => 'closed'),
    ])
    socket.send(text)
    return answer
  }
  return Object.assign(echo, { close: () => socket.close() })
}
