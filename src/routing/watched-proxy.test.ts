import assert from 'node:assert/strict'
import { it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../core/runtime.ts'
import type { ProxyApi } from '../proxy/api-client.ts'
import { startTestProxy } from './testing.ts'
import { watchedProxy } from './watched-proxy.ts'

it('notices a proxy that was started again between two questions', async () => {
  await using proxy = await startTestProxy()
  const watched = watchedProxy(proxy.url, proxy.api, silentLogger)
  const route = { target: 'http://127.0.0.1:1', data: { user: 'ada' } }
  const desired = async () => ({ routes: new Map([['/user/ada/', route]]), undecided: new Set<string>() })
  await watched.hasMissedSomething()
  await watched.reconcile(desired)
  assert.equal(await watched.hasMissedSomething(), false)

  await proxy.down()
  await proxy.up()

  assert.equal(await watched.hasMissedSomething(), true)
  await watched.reconcile(desired)
  assert.equal(await watched.hasMissedSomething(), false)
  assert.deepEqual(await proxy.specs(), ['/user/ada/'])
})

it('changes different routes side by side, one route in the order asked, and waits for all before it reconciles', async () => {
  await using proxy = await startTestProxy()
  const gate = Promise.withResolvers<void>()
  const begun: string[] = []
  const api: ProxyApi = {
    ...proxy.api,
    async addRoute(spec, target, ...rest) {
      begun.push(`${spec} ${target}`)
      await gate.promise
      return proxy.api.addRoute(spec, target, ...rest)
    },
    getRoutes(signal) {
      begun.push('reconcile')
      return proxy.api.getRoutes(signal)
    },
  }
  const watched = watchedProxy(proxy.url, api, silentLogger)
  const to = (port: number) => ({ target: `http://127.0.0.1:${port}`, data: { user: 'ada' } })
  const desired = async () => ({ routes: new Map([['/user/ada/', to(2)]]), undecided: new Set(['/user/bob/']) })

  const changes = [watched.set('/user/ada/', to(1)), watched.set('/user/ada/', to(2)), watched.set('/user/bob/', to(3))]
  const reconciled = watched.reconcile(desired)
  const late = watched.set('/user/carol/', to(4))
  await until('the first changes have begun', () => begun.length >= 2)
  const before = [...begun]
  gate.resolve()
  await Promise.all([...changes, reconciled, late])

  assert.deepEqual(before.sort(), ['/user/ada/ http://127.0.0.1:1', '/user/bob/ http://127.0.0.1:3'])
  assert.deepEqual(begun.slice(2), ['/user/ada/ http://127.0.0.1:2', 'reconcile', '/user/carol/ http://127.0.0.1:4'])
  const table = await proxy.api.getRoutes()
  assert.deepEqual([...table.keys()].sort(), ['/user/ada/', '/user/bob/', '/user/carol/'])
  assert.equal(table.get('/user/ada/')?.target, 'http://127.0.0.1:2')
})
