/**
 * What the hub relies on of a proxy's route table. Runs against this project's proxy and the released
 * configurable-http-proxy: each half must work with the other project's half.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { proxyApi } from '../proxy/api-client.ts'

export interface ProxyUnderTest {
  readonly publicUrl: string
  readonly apiUrl: string
  readonly token: string
  /** Takes it down; a second start must listen at the same addresses. */
  stop(): Promise<void>
}

export function routeTableContract(name: string, startProxy: (defaultTarget: string) => Promise<ProxyUnderTest>): void {
  describe(`route table of ${name}`, () => {
    let proxy: ProxyUnderTest
    const upstream = createServer((request, response) => response.end(`upstream ${request.url}`))
    let target: string
    before(async () => {
      await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
      target = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` // listens on TCP
      proxy = await startProxy(target)
    })
    after(async () => {
      await proxy?.stop()
      upstream.closeAllConnections()
      await new Promise(resolve => upstream.close(resolve))
    })
    const api = () => proxyApi({ url: proxy.apiUrl, token: proxy.token })

    it('answers a ping', async () => {
      await api().ping()
    })

    it('keeps a route with the data beside it, and forwards by it', async () => {
      await api().addRoute('/user/alice/', target, { user: 'alice', server_name: '' })

      const route = (await api().getRoutes()).get('/user/alice/')
      assert.equal(route?.target.replace(/\/$/, ''), target)
      assert.deepEqual({ ...route?.data }, { user: 'alice', server_name: '' })
      assert.equal(await text(`${proxy.publicUrl}/user/alice/api`), 'upstream /user/alice/api')
    })

    it('leads a route elsewhere when it is set again', async () => {
      await api().addRoute('/user/bob/', 'http://127.0.0.1:9', { user: 'bob', server_name: '' })
      await api().addRoute('/user/bob/', target, { user: 'bob', server_name: '' })
      assert.equal(await text(`${proxy.publicUrl}/user/bob/`), 'upstream /user/bob/')
    })

    it('gives back names as they were set when they need escaping', async () => {
      for (const spec of ['/user/a@b.org/', '/user/a%20b/', '/user/%C3%BCn%C3%AF/', '/user/alice/gpu-1/']) {
        await api().addRoute(spec, target, { user: 'x', server_name: '' })
        assert.ok((await api().getRoutes()).has(spec), spec)
        assert.equal(await text(`${proxy.publicUrl}${spec}lab`), `upstream ${spec}lab`)
      }
    })

    it('tells when it last saw traffic', async () => {
      await api().addRoute('/user/carol/', target, { user: 'carol', server_name: '' })
      const before = (await api().getRoutes()).get('/user/carol/')!.lastActivity
      await new Promise(resolve => setTimeout(resolve, 5))
      await text(`${proxy.publicUrl}/user/carol/`)
      const after = (await api().getRoutes()).get('/user/carol/')!.lastActivity
      assert.ok(after > before, `${after.toISOString()} is later than ${before.toISOString()}`)
    })

    it('forgets a route that is deleted, even twice', async () => {
      await api().addRoute('/user/dave/', target, { user: 'dave', server_name: '' })
      await api().deleteRoute('/user/dave/')
      await api().deleteRoute('/user/dave/')
      assert.ok(!(await api().getRoutes()).has('/user/dave/'))
    })

    it('takes the hub as the route of everything else', async () => {
      await api().addRoute('/', target, { hub: true })
      assert.deepEqual({ ...(await api().getRoutes()).get('/')?.data }, { hub: true })
      assert.equal(await text(`${proxy.publicUrl}/user/nobody/`), 'upstream /user/nobody/')
    })

    it('refuses a wrong token', async () => {
      await assert.rejects(proxyApi({ url: proxy.apiUrl, token: 'wrong' }).getRoutes(), { code: 'proxy_refused' })
    })
  })
}

async function text(url: string): Promise<string> {
  return (await fetch(url)).text()
}
