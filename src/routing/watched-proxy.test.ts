import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
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
