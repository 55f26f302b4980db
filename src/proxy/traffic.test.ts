import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../../test/support/until.ts'
import { proxyApi } from './api-client.ts'
import { createRouteTable } from './route-table.ts'
import { startTestProxy } from './testing/running-proxy.ts'
import { startUpstream } from './testing/sockets.ts'
import { createTrafficLedger } from './traffic.ts'

const target = 'http://127.0.0.1:9'

describe('traffic of routes', () => {
  it('is counted by kind, and singly for as many routes as are wanted', () => {
    const table = createRouteTable({ hostRouting: false })
    const ledger = createTrafficLedger({ maxRoutes: 2 })
    const routes = [
      table.set('/', { target, hub: true }, 0),
      ...['ann', 'bob', 'cat'].map(user => table.set(`/user/${user}`, { target, user, server_name: '' }, 0)),
      table.set('/services/x', { target, service: 'x' }, 0),
    ]

    for (const route of routes) ledger.of(route).requests += 1

    const requests = (all: Map<string, { requests: number }>) =>
      Object.fromEntries([...all].map(([name, { requests }]) => [name, requests]))
    assert.deepEqual(requests(ledger.byKind()), { hub: 1, user: 3, service: 1, other: 0 })
    assert.deepEqual(requests(ledger.byRoute()), { '/': 1, '/user/ann': 1 })

    ledger.forget('/user/ann')
    ledger.of(table.set('/user/dan', { target, user: 'dan' }, 0)).requests += 1
    assert.deepEqual(requests(ledger.byKind()), { hub: 1, user: 4, service: 1, other: 0 }, 'no figure ever falls')
    assert.deepEqual(requests(ledger.byRoute()), { '/': 1, '/user/dan': 1 })
  })

  it('goes on for a route that is set again', () => {
    const table = createRouteTable({ hostRouting: false })
    const ledger = createTrafficLedger({ maxRoutes: 1 })
    const first = ledger.of(table.set('/user/ann', { target, user: 'ann' }, 0))

    assert.equal(ledger.of(table.set('/user/ann', { target, user: 'ann' }, 0)), first)
  })

  it('is what passes through the proxy: bodies both ways, and WebSockets', async () => {
    await using upstream = await startUpstream(async (req, res) => {
      for await (const _ of req);
      res.end('four')
    })
    new WebSocketServer({ server: upstream.server }).on('connection', socket => {
      socket.on('message', data => socket.send(data))
    })
    await using proxy = await startTestProxy({}, { metrics: { host: '127.0.0.1', port: 0 }, metricsRoutes: 10 })
    const api = proxyApi({ url: proxy.apiAddress.url, token: '' })
    await api.addRoute('/user/ann/', upstream.url, { user: 'ann', server_name: '' })
    const figures = async () =>
      (await (await fetch(`${proxy.metricsAddress!.url}/metrics`)).text())
        .split('\n')
        .filter(line => /^orrery_proxy_.*(kind="user"|route=)/.test(line))
        .sort()

    await (await fetch(`${proxy.url}/user/ann/`, { method: 'POST', body: 'x'.repeat(1000) })).text()
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/user/ann/`)
    client.on('open', () => client.send('hello'))
    await new Promise(resolve => client.once('message', resolve))
    client.terminate()

    // A frame of a client is 6 bytes longer than its message, one of a server 2.
    const expected = (label: string, prefix: string) => [
      `${prefix}received_bytes_total{${label}} ${1000 + 11}`,
      `${prefix}requests_total{${label}} 2`,
      `${prefix}sent_bytes_total{${label}} ${4 + 7}`,
    ]
    assert.deepEqual(
      await figures(),
      [...expected('kind="user"', 'orrery_proxy_'), ...expected('route="/user/ann"', 'orrery_proxy_route_')].sort(),
    )

    await api.deleteRoute('/user/ann/')
    await until('the route is gone', async () => (await figures()).length === 3)
  })
})
