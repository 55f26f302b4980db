import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceEnvironment } from './service-environment.ts'

const site = { baseUrl: '/', hubUrl: 'http://127.0.0.1:8081', hubEnvironment: { PATH: '/bin', SECRET: 'x' } }
const facts = { name: 'web', apiToken: 'token', oauthClientId: 'service-web', environment: { A: 'b' } }

describe('environment of a service', () => {
  it('is what JupyterHub 6.1.1 gives a service with an address', () => {
    assert.deepEqual(serviceEnvironment(site, { ...facts, url: 'http://127.0.0.1:19999' }), {
      A: 'b',
      JPY_API_TOKEN: 'token',
      JUPYTERHUB_API_TOKEN: 'token',
      JUPYTERHUB_API_URL: 'http://127.0.0.1:8081/hub/api',
      JUPYTERHUB_BASE_URL: '/',
      JUPYTERHUB_CLIENT_ID: 'service-web',
      JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED: '0',
      JUPYTERHUB_HOST: '',
      JUPYTERHUB_OAUTH_ACCESS_SCOPES: '["access:services","access:services!service=web"]',
      JUPYTERHUB_OAUTH_CALLBACK_URL: '/services/web/oauth_callback',
      JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: '[]',
      JUPYTERHUB_OAUTH_SCOPES: '["access:services","access:services!service=web"]',
      JUPYTERHUB_PUBLIC_HUB_URL: '',
      JUPYTERHUB_PUBLIC_URL: '',
      JUPYTERHUB_SERVER_NAME: '',
      JUPYTERHUB_SERVICE_NAME: 'web',
      JUPYTERHUB_SERVICE_PREFIX: '/services/web/',
      JUPYTERHUB_SERVICE_URL: 'http://127.0.0.1:19999',
      JUPYTERHUB_USER: '',
      PATH: '/bin',
    })
  })

  it('has no address for a service without one', () => {
    const environment = serviceEnvironment(site, facts)
    assert.equal(environment.JUPYTERHUB_SERVICE_PREFIX, undefined)
    assert.equal(environment.JUPYTERHUB_SERVICE_URL, 'http://127.0.0.1:0/')
    assert.equal(environment.JUPYTERHUB_OAUTH_CALLBACK_URL, 'oauth_callback')
  })
})
