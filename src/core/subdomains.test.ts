import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  createSubdomains,
  oauthCallbackUrl,
  serverRoute,
  serverUrl,
  serviceRoute,
  serviceUrl,
  userUrl,
} from './subdomains.ts'

const key = { user: 'ada', server: 'gpu' }

describe('addresses of a site', () => {
  it('are paths where all share one host', () => {
    const site = { baseUrl: '/lab/' }
    assert.equal(userUrl('ada', site), '/lab/user/ada/')
    assert.equal(serverUrl(key, site), '/lab/user/ada/gpu/')
    assert.equal(serverRoute(key, site), '/lab/user/ada/gpu/')
    assert.equal(serviceRoute('docs', site), '/lab/services/docs/')
    assert.equal(oauthCallbackUrl(key, site), '/lab/user/ada/gpu/oauth_callback')
  })

  it('begin with the host of the user or the service', () => {
    const site = { baseUrl: '/', subdomains: createSubdomains({ host: 'https://hub.org:8443' }) }
    assert.equal(userUrl('ada', site), 'https://ada.hub.org:8443/user/ada/')
    assert.equal(serverUrl(key, site), 'https://ada.hub.org:8443/user/ada/gpu/')
    assert.equal(oauthCallbackUrl(key, site), 'https://ada.hub.org:8443/user/ada/gpu/oauth_callback')
    assert.equal(serviceUrl('docs', site), 'https://docs--service.hub.org:8443/services/docs/')
  })

  it('have routes without a port, in small letters as browsers write hosts', () => {
    const site = { baseUrl: '/', subdomains: createSubdomains({ host: 'http://Hub.org:8000' }) }
    assert.equal(serverRoute(key, site), 'ada.hub.org/user/ada/gpu/')
    assert.equal(serviceRoute('Docs', site), 'docs--service.hub.org/services/Docs/')
  })
})

describe('hosts of a site', () => {
  it('are its own and those below, at its port', () => {
    const { includes, isBelow } = createSubdomains({ host: 'https://hub.org:8443' })
    for (const host of ['hub.org:8443', 'ada.hub.org:8443', 'ADA.HUB.ORG:8443']) assert.ok(includes(host), host)
    for (const host of ['hub.org', 'ada.hub.org:443', 'evilhub.org:8443', 'org:8443', 'hub.org.evil:8443', '', '@']) {
      assert.ok(!includes(host), host)
    }
    assert.ok(isBelow('ada.hub.org') && !isBelow('hub.org') && !isBelow('adahub.org'))
  })

  it('know the usual port without its number', () => {
    const { includes } = createSubdomains({ host: 'https://hub.org' })
    assert.ok(includes('ada.hub.org') && includes('ada.hub.org:443') && !includes('ada.hub.org:80'))
  })

  it('are what the site’s function says', () => {
    const hook = (name: string, domain: string, kind: string) => `${kind}-${name}.${domain}`
    const { originOf } = createSubdomains({ host: 'https://hub.org', hook })
    assert.equal(originOf('user', 'ada'), 'https://user-ada.hub.org')
  })

  it('stay below the hub’s and unlike it, whatever the function says', () => {
    const answers: unknown[] = [
      'elsewhere.org',
      'hub.org',
      'a b.hub.org',
      'x/.hub.org',
      '-a.hub.org',
      '.hub.org',
      undefined,
    ]
    for (const answer of answers) {
      const told: unknown[] = []
      const hook = () => answer as string // a site may return anything
      const { domainOf } = createSubdomains({ host: 'https://hub.org', hook, onWrongHost: (...all) => told.push(all) })
      assert.equal(domainOf('user', 'ada'), 'ada.hub.org')
      assert.deepEqual(told, [['ada', answer]])
    }
    const hook = () => {
      throw new Error('no table')
    }
    assert.equal(createSubdomains({ host: 'https://hub.org', hook }).domainOf('user', 'ada'), 'ada.hub.org')
  })
})
