import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import { silentLogger, systemClock } from '../../core/runtime.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { makeProbeKey, PROBE_HEADER } from './probe-key.ts'
import { probeRoutes } from './probe-routes.ts'

describe('the probes of the hub', () => {
  const cookieSecret = randomBytes(32)
  const headers = { [PROBE_HEADER]: makeProbeKey(cookieSecret, new Date()) }
  let server: FastifyInstance
  let url: string
  before(async () => {
    server = createHubServer({ log: silentLogger, baseUrl: '/jupyter/' })
    await server.register(probeRoutes({ cookieSecret, version: '1.2.3', baseUrl: '/jupyter/', clock: systemClock }), {
      prefix: '/jupyter',
    })
    url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/jupyter/hub/probe`
  })
  after(() => server.close())

  it('tell whoever has a key what has arrived, and count bodies that no other page takes', async () => {
    const body = Buffer.alloc(5_000_000)

    const seen = await fetch(`${url}/echo/a%2Fb?x=1`, { headers }).then(answer => answer.json())
    const counted = await fetch(`${url}/echo`, { method: 'PUT', headers, body }).then(answer => answer.json())
    const huge = await fetch(`${url}/echo`, { method: 'POST', headers, body: Buffer.alloc(65 * 1024 * 1024) })

    assert.partialDeepStrictEqual(seen, {
      version: '1.2.3',
      url: '/jupyter/hub/probe/echo/a%2Fb?x=1',
      address: '127.0.0.1',
      received: 0,
    })
    assert.partialDeepStrictEqual(counted, { method: 'PUT', received: body.length })
    assert.equal(huge.status, 413)
    assert.doesNotMatch(JSON.stringify(seen), new RegExp(headers[PROBE_HEADER]!))
  })

  it('are pages that there are not, for everybody else', async () => {
    for (const path of ['echo', 'stream', 'compressed', 'websocket']) {
      assert.equal((await fetch(`${url}/${path}`)).status, 404, path)
    }
    const post = await fetch(`${url}/echo`, { method: 'POST', body: 'x' })

    assert.equal(post.status, 404)
    assert.equal(await opened(new WebSocket(`${url.replace('http', 'ws')}/websocket`)), '404')
  })

  it('give WebSockets back what they get, and leave other upgrades to be answered as requests', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket`, { headers })
    assert.equal(await opened(socket), 'open')
    socket.send('hello')

    const echoed = await new Promise(resolve => socket.once('message', data => resolve(String(data))))
    socket.close()

    assert.equal(echoed, 'hello')
    assert.equal(await opened(new WebSocket(`${url.replace('http', 'ws')}/echo`, { headers })), '200')
  })

  /** `open`, or the status of a refusal. */
  const opened = (socket: WebSocket) =>
    new Promise<string>(resolve => {
      socket.once('open', () => resolve('open'))
      socket.once('unexpected-response', (_request, answer) => resolve(String(answer.statusCode)))
      socket.on('error', () => {})
    })
})
