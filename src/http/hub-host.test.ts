import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
import { createSubdomains } from '../core/subdomains.ts'
import { keepPagesOnHubHost } from './hub-host.ts'
import { createHubServer } from './hub-server.ts'

async function hub(test: TestContext) {
  const server = createHubServer({ log: silentLogger, baseUrl: '/lab/' })
  test.after(() => server.close())
  keepPagesOnHubHost(server, { baseUrl: '/lab/', subdomains: createSubdomains({ host: 'https://hub.org:8443' }) })
  server.all('/*', async () => 'answered')
  return (host: string, url: string, method: 'GET' | 'POST' = 'GET') =>
    server.inject({ method, url, headers: { host } })
}

describe('pages of the hub', () => {
  it('lead from hosts of servers and services to the hub’s own', async test => {
    const ask = await hub(test)
    const { statusCode, headers } = await ask('ada.hub.org:8443', '/lab/hub/login?next=%2F')
    assert.equal(statusCode, 302)
    assert.equal(headers.location, 'https://hub.org:8443/lab/hub/login?next=%2F')
  })

  it('take no forms there', async test => {
    const ask = await hub(test)
    assert.equal((await ask('ada.hub.org:8443', '/lab/hub/login', 'POST')).statusCode, 421)
  })

  it('answer on the hub’s host, and to programs by any other address', async test => {
    const ask = await hub(test)
    for (const host of ['hub.org:8443', '127.0.0.1:8081', 'hub.internal', 'evilhub.org:8443']) {
      assert.equal((await ask(host, '/lab/hub/home')).body, 'answered', host)
      assert.equal((await ask(host, '/lab/hub/home', 'POST')).body, 'answered', host)
    }
  })

  it('are not the REST API, nor what lies outside of the hub', async test => {
    const ask = await hub(test)
    assert.equal((await ask('ada.hub.org', '/lab/hub/api/user')).body, 'answered')
    assert.equal((await ask('ada.hub.org', '/lab/user/ada/lab')).body, 'answered')
  })
})
