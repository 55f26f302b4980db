import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testApi } from '../testing.ts'

describe('hub info API', () => {
  it('tells everybody its version, and who may read the hub what it runs on', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asReader = api.as(await api.service('reader', ['read:hub']))

    for (const path of ['/hub/api', '/hub/api/']) {
      const root = await api.as(undefined)('GET', path)
      assert.deepEqual([root.status, root.json], [200, { version: '6.1.1' }])
      assert.equal(root.headers['access-control-allow-origin'], '*')
    }
    const info = await asReader('GET', '/hub/api/info')
    assert.partialDeepStrictEqual(info.json, { version: '6.1.1', spawner: { class: 'orrery.local', version: '0' } })
    assert.equal((await api.as(undefined)('GET', '/hub/api/info')).status, 403)
  })

  it('names the caller, also to a token that permits nothing else', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const alice = await api.user('alice', { groups: ['staff'] })
    const { token, id } = await api.hub.access.issueToken({ user: alice, scopes: [] })

    const self = await api.as({ token })('GET', '/hub/api/user')
    const service = await api.as(await api.service('tester', ['read:hub']))('GET', '/hub/api/user')

    assert.partialDeepStrictEqual(self.json, {
      kind: 'user',
      name: 'alice',
      admin: false,
      groups: ['staff'],
      token_id: `a${id}`,
      session_id: null,
    })
    assert.partialDeepStrictEqual(service.json, { kind: 'service', name: 'tester', scopes: ['read:hub'] })
    assert.equal((await api.as(undefined)('GET', '/hub/api/user')).status, 403)
    assert.equal((await api.as({ token: 'forged' })('GET', '/hub/api/user')).status, 403)
  })

  it('answers a shutdown before it begins', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.user('boss', { admin: true }))

    const wrong = await asAdmin('POST', '/hub/api/shutdown', { servers: 'maybe' })
    const right = await asAdmin('POST', '/hub/api/shutdown', { servers: true })

    assert.equal(wrong.status, 400)
    assert.deepEqual([right.status, right.json], [202, { message: 'Shutting down Hub' }])
    assert.deepEqual(api.asked, ['shutdown {"servers":true}'])
  })
})

describe('services API', () => {
  it('lists services by name as far as the caller may', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asTester = api.as(await api.service('tester', ['list:services!service=tester', 'read:services']))
    await api.service('other', [])

    const list = await asTester('GET', '/hub/api/services')
    const one = await asTester('GET', '/hub/api/services/other')
    const missing = await asTester('GET', '/hub/api/services/none')

    assert.deepEqual(Object.keys(list.json), ['tester'])
    assert.deepEqual(one.json, {
      kind: 'service',
      name: 'other',
      admin: false,
      url: '',
      prefix: '',
      command: [],
      pid: 0,
      info: {},
      display: true,
    })
    assert.deepEqual([missing.status, missing.json.message], [404, 'No such service: none'])
  })
})

describe('proxy API', () => {
  it('shows the routes in pages, checks them, and refuses another proxy where the configuration names one', async t => {
    const api = await testApi()
    t.after(() => api.close())
    const asAdmin = api.as(await api.user('boss', { admin: true }))

    const routes = await asAdmin('GET', '/hub/api/proxy?limit=1')
    const proxies = await asAdmin('GET', '/hub/api/proxies')
    const checked = await asAdmin('POST', '/hub/api/proxy')
    const empty = await asAdmin('PATCH', '/hub/api/proxy')
    const wrong = await asAdmin('PATCH', '/hub/api/proxy', [])
    const moved = await asAdmin('PATCH', '/hub/api/proxy', { api_url: 'http://127.0.0.1:9' })

    assert.deepEqual(routes.json, { '/a/': { routespec: '/a/', target: 'http://127.0.0.1:1', data: {} } })
    assert.deepEqual(proxies.json, [
      { api_url: 'http://127.0.0.1:8001', up: true, since: '1970-01-01T00:00:00.000Z', certificate: null },
    ])
    assert.deepEqual([checked.status, api.asked], [200, ['check routes']])
    assert.deepEqual([empty.status, empty.json.message], [400, 'need JSON body'])
    assert.deepEqual([wrong.status, wrong.json.message], [400, 'Request body must be JSON dict'])
    assert.equal(moved.status, 409)
    const asAlice = api.as(await api.user('alice'))
    assert.equal((await asAlice('GET', '/hub/api/proxy')).status, 403)
    assert.equal((await asAlice('GET', '/hub/api/proxies')).status, 403)
  })
})
