/** The proxy of a running Orrery is restarted, and killed: nobody is refused. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { getText } from '../../src/proxy/testing/get-text.ts'
import { startUpstream, type Upstream } from '../../src/proxy/testing/sockets.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { readProcess } from '../support/processes.ts'
import { until } from '../support/until.ts'

describe('the proxy of a running Orrery', () => {
  let orrery: OrreryProcess
  let upstream: Upstream
  const agent = new http.Agent({ keepAlive: true })
  before(async () => {
    upstream = await startUpstream((_req, res) => void res.end('here'))
    new WebSocketServer({ server: upstream.server }).on('connection', socket => {
      socket.on('message', data => socket.send(data))
    })
    orrery = await startOrrery({
      config: { authenticator: { kind: 'dummy' }, servers: { cmd: ['/bin/true'] } },
    })
    const { proxy } = JSON.parse(readFileSync(join(orrery.dataDir, 'orrery.config.json'), 'utf8'))
    const token = readFileSync(join(orrery.dataDir, 'hub', 'proxy_auth_token'), 'utf8').trim()
    // Not marked as the hub's, which would take away a route that it does not know.
    const api = { authorization: `token ${token}` }
    const body = JSON.stringify({ target: upstream.url })
    const made = await fetch(`${proxy.apiUrl}/api/routes/other`, { method: 'POST', headers: api, body })
    assert.equal(made.status, 201)
  })
  after(async () => {
    agent.destroy()
    await orrery?.stop()
    await upstream?.[Symbol.asyncDispose]()
  })

  it('is replaced after SIGUSR2 while requests go on and a WebSocket stays open', async () => {
    const socket = new WebSocket(`${orrery.url.replace('http', 'ws')}/other/ws`)
    await once(socket, 'open')
    const former = orrery.part('proxy')!.pid
    const supervisor = Number(readFileSync(join(orrery.dataDir, 'run', 'orrery.lock.pid'), 'utf8'))
    const load = keepAsking(`${orrery.url}/other/x`)

    process.kill(supervisor, 'SIGUSR2')
    await Promise.race([load.failed, until('the restart', () => orrery.output().includes('The proxy was restarted'))])
    await load.some()

    socket.send('still here')
    assert.equal(String((await once(socket, 'message'))[0]), 'still here')
    const both = orrery.part('proxy')
    assert.ok(both)
    assert.doesNotThrow(() => process.kill(former, 0), 'the former one has the WebSocket')
    socket.close()
    await until('the end of the former one', () => !readProcess(former))
    await load.some()
    await load.stop()
    assert.doesNotMatch(orrery.output(), /proxy ended/)
  })

  it('is killed, and whoever comes meanwhile waits', async () => {
    const former = orrery.part('proxy')!.pid
    process.kill(former, 'SIGKILL')
    await until('its end', () => !readProcess(former))

    const answers = await Promise.all(Array.from({ length: 20 }, () => getText(`${orrery.url}/other/x`)))

    assert.deepEqual(new Set(answers), new Set(['here']))
    assert.notEqual(orrery.part('proxy')!.pid, former)
  })

  function keepAsking(url: string) {
    const ended = new AbortController()
    let answered = 0
    const failed = Promise.all(
      Array.from({ length: 10 }, async () => {
        for (; !ended.signal.aborted; answered++) assert.equal(await getText(url, agent), 'here')
      }),
    )
    return {
      failed,
      async some() {
        const before = answered
        await Promise.race([failed, until('answers', () => answered > before + 100)])
      },
      async stop() {
        ended.abort()
        await failed
      },
    }
  }
})
