import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { jupyterHubPython, withoutJupyterHub } from '../../test/support/jupyterhub-oracle.ts'
import { ensureOauthClient } from '../access/oauth-clients.ts'
import { cookieJar } from '../access/testing.ts'
import { type OauthHub, oauthHub } from './testing.ts'

const PREFIX = '/services/grader/'
const SCRIPT = join(import.meta.dirname, '../../test/support/hub_oauth_service.py')
const SECRET = 'the token of the service'

interface Service {
  readonly hub: OauthHub
  readonly url: string
}

async function startService(
  t: TestContext,
  options: { requirePkce?: boolean; clientPkce?: boolean },
): Promise<Service> {
  const hub = await oauthHub(options)
  t.after(hub.close)
  await hub.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = hub.app.server.address() as AddressInfo // listens on TCP by the line above
  const client = {
    identifier: 'service-grader',
    secret: SECRET,
    redirectUri: `${PREFIX}oauth_callback`,
    allowedScopes: ['access:services!service=grader'],
  }
  await ensureOauthClient(hub.database.db, client)
  await hub.addService('grader', { oauthClientId: client.identifier, oauthNoConfirm: true })
  const child = spawn(jupyterHubPython(), [SCRIPT, ...(options.clientPkce === false ? ['no-pkce'] : [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      JUPYTERHUB_API_URL: `http://127.0.0.1:${port}/hub/api`,
      JUPYTERHUB_API_TOKEN: SECRET,
      JUPYTERHUB_CLIENT_ID: client.identifier,
      JUPYTERHUB_SERVICE_NAME: 'grader',
      JUPYTERHUB_SERVICE_PREFIX: PREFIX,
      JUPYTERHUB_BASE_URL: '/',
    },
  })
  t.after(() => stop(child))
  child.stderr.resume()
  const [line] = await once(child.stdout, 'data')
  return { hub, url: `http://127.0.0.1:${Number(line)}` }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'exit')
}

/** Goes where a browser would go, hub and service under one address, until an answer is no redirect. */
async function visit({ hub, url }: Service, path: string, cookie: string) {
  const trail: string[] = []
  let jar = cookie
  for (let at = path; trail.length < 10; ) {
    trail.push(at.split('?')[0]!)
    const base = at.startsWith('/hub/') ? `http://127.0.0.1:${(hub.app.server.address() as AddressInfo).port}` : url // as above
    const response = await getPage(base + at, jar)
    jar = cookieJar(response, jar)
    const { body, status } = response
    const { location } = response.headers
    if (!location) return { status, body, trail, jar }
    at = location
  }
  throw new Error(`too many redirects: ${trail.join(' ')}`)
}

/** Not `fetch`: that says it is a script, and scripts need an xsrf token. */
async function getPage(url: string, cookie: string) {
  const request = httpGet(url, { headers: { cookie, 'sec-fetch-mode': 'navigate' } })
  const [response] = (await once(request, 'response')) as [IncomingMessage] // documented by node:http
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

async function mayEnter({ hub }: Service): Promise<void> {
  const roleId = await hub.addRole('student', ['access:services!service=grader'])
  await hub.database.db
    .insertInto('user_role_map')
    .values({ user_id: hub.alice.id, role_id: roleId, managed_by_auth: false })
    .execute()
  hub.access.changed()
}

describe("a service with JupyterHub's own OAuth client", { skip: withoutJupyterHub }, () => {
  for (const [title, options] of [
    ['with PKCE, as version 6', { requirePkce: true }],
    ['without PKCE, as versions before', { clientPkce: false }],
  ] as const) {
    it(`lets people in ${title}`, async t => {
      const service = await startService(t, options)
      await mayEnter(service)

      const { status, body, trail, jar } = await visit(service, PREFIX, service.hub.cookie)

      assert.equal(status, 200, body)
      assert.deepEqual(trail, [PREFIX, '/hub/api/oauth2/authorize', `${PREFIX}oauth_callback`, PREFIX])
      assert.partialDeepStrictEqual(JSON.parse(body), {
        kind: 'user',
        name: 'alice',
        session_id: service.hub.sessionId,
      })
      assert.ok(JSON.parse(body).scopes.includes('access:services!service=grader'))
      const again = await visit(service, PREFIX, jar)
      assert.deepEqual(again.trail, [PREFIX])
    })
  }

  it('keeps out whoever may not enter', async t => {
    const service = await startService(t, {})
    const { status, trail } = await visit(service, PREFIX, service.hub.cookie)
    assert.equal(status, 403)
    assert.deepEqual(trail, [PREFIX, '/hub/api/oauth2/authorize'])
  })

  it('takes a token of the API for a login, and no forged one', async t => {
    const service = await startService(t, {})
    await mayEnter(service)
    const { token } = await service.hub.access.issueToken({ user: service.hub.alice })
    const ask = async (credential: string) =>
      (await fetch(service.url + PREFIX, { redirect: 'manual', headers: { authorization: `token ${credential}` } }))
        .status
    assert.equal(await ask(token), 200)
    assert.equal(await ask(`${token}x`), 302)
  })

  it('is refused when the hub requires PKCE and it does not know it', async t => {
    const service = await startService(t, { requirePkce: true, clientPkce: false })
    await mayEnter(service)
    const { status, trail } = await visit(service, PREFIX, service.hub.cookie)
    assert.equal(status, 400)
    assert.equal(trail.at(-1), `${PREFIX}oauth_callback`)
  })
})
