import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fromProxyPath, proxyApi, toProxyPath } from './api-client.ts'
import { startRawServer } from './testing/sockets.ts'
import { apiOf, type SpawnedProxy, spawnProxy } from './testing/spawn-proxy.ts'

const TARGET = 'http://127.0.0.1:54321'

for (const program of ['orrery', 'configurable-http-proxy'] as const) {
  describe(`proxy API client with ${program}`, () => {
    let proxy: SpawnedProxy
    before(async () => {
      proxy = await spawnProxy(program)
    })
    after(() => proxy?.[Symbol.asyncDispose]())

    it('reads back what it has written, names of all kinds', async () => {
      const api = apiOf(proxy)
      const specs = [
        '/',
        '/user/ann/',
        '/user/ann/my%20server/',
        '/user/%C3%A4@b~c.d/',
        '/user/o%27neil%21%28%29%2A/',
        '/services/x/',
      ]
      const from = Date.now() - 1000
      for (const spec of specs) await api.addRoute(spec, TARGET, { user: spec })

      const routes = await api.getRoutes()

      assert.deepEqual([...routes.keys()].sort(), specs.toSorted())
      for (const spec of specs) {
        const { lastActivity, ...route } = routes.get(spec)!
        assert.deepEqual(route, { routespec: spec, target: TARGET, data: { user: spec } })
        assert.ok(lastActivity.getTime() > from)
      }
      for (const spec of specs) await api.deleteRoute(spec)
      assert.equal((await api.getRoutes()).size, 0)
    })

    it('takes a route that is not there for deleted', async () => {
      await apiOf(proxy).deleteRoute('/user/nobody/')
    })

    it('leaves routes alone that no hub has made', async () => {
      await proxy.api('POST', '/foreign', { target: TARGET })

      assert.equal((await apiOf(proxy).getRoutes()).has('/foreign/'), false)
    })

    it('says so when the token is wrong', async () => {
      const api = proxyApi({ url: proxy.apiUrl, token: 'wrong' })

      await assert.rejects(api.getRoutes(), {
        code: 'proxy_refused',
        detail: { method: 'GET', path: '', status: 403, body: '' },
      })
    })

    it('goes on after the proxy was restarted at the same address', async () => {
      const api = apiOf(proxy)
      await api.getRoutes()
      await proxy.stop()
      await assert.rejects(api.getRoutes(), { code: 'proxy_unreachable' })
      proxy = await spawnProxy(program, [], { port: proxy.port, apiPort: Number(new URL(proxy.apiUrl).port) })

      await api.addRoute('/again/', TARGET, {})

      assert.deepEqual([...(await api.getRoutes()).keys()], ['/again/'])
    })
  })
}

describe('proxy API client', () => {
  it('gives up on a proxy that does not answer in time, and when told to', async () => {
    await using silent = await startRawServer(socket => void socket.resume())
    const abort = new AbortController()
    abort.abort(new Error('lease lost'))

    await assert.rejects(proxyApi({ url: silent.url, token: '', timeoutMs: 100 }).getRoutes(), {
      code: 'proxy_unreachable',
    })
    await assert.rejects(proxyApi({ url: silent.url, token: '' }).getRoutes(abort.signal), /lease lost/)
  })

  it('does not take another web server for a proxy', async () => {
    await using other = await startRawServer(
      socket => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>')),
    )

    await assert.rejects(proxyApi({ url: other.url, token: '' }).getRoutes(), { code: 'proxy_refused' })
  })

  it('turns specs into paths and back', () => {
    assert.equal(toProxyPath('/user/ann/'), '/user/ann')
    assert.equal(toProxyPath('ann.example.org/user/ann/'), '/ann.example.org/user/ann')
    assert.equal(toProxyPath('/'), '/')
    assert.equal(fromProxyPath('/ann.example.org/user/ann', true), 'ann.example.org/user/ann/')
    assert.equal(fromProxyPath('/user/ä@b~', false), '/user/%C3%A4@b~/')
  })
})
