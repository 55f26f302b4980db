/** Cookies of strangers, logins and logouts, at the released JupyterHub and at Orrery. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { requireSignedIn, requireXsrf } from '../../src/access/guards.ts'
import { cookieJar, testHub } from '../../src/access/testing.ts'
import { startReferenceHub } from '../support/reference-hub.ts'
import { cookieShapes } from './answers.ts'

interface Hub {
  readonly url: string
  readonly stop: () => Promise<void>
}

async function startTheirs(...more: string[]): Promise<Hub> {
  const hub = await startReferenceHub({ configLines: ["c.JupyterHub.default_url = '/hub/home'", ...more] })
  return { url: hub.hubUrl, stop: hub.stop }
}

/** The pages themselves are tested elsewhere; here they say only what makes cookies. */
async function startOurs(options: Parameters<typeof testHub>[0] = {}): Promise<Hub> {
  const hub = await testHub(options)
  const { app, access } = hub
  const alice = await hub.addUser('alice')
  app.setErrorHandler((error: { status?: number }, _request, reply) => reply.status(error.status ?? 500).send('wrong'))
  app.get('/hub/login', async (request, reply) =>
    reply.type('text/html').send(`name="_xsrf" value="${await access.xsrf.renew(request, reply)}"`),
  )
  app.post('/hub/login', { preHandler: requireXsrf(access) }, async (request, reply) => {
    await access.signIn(reply, request, alice)
    return reply.redirect('/hub/home')
  })
  app.get('/hub/home', { preHandler: requireSignedIn(access) }, async (request, reply) => {
    await access.xsrf.token(request, reply)
    return 'home'
  })
  app.get('/hub/logout', async (request, reply) => {
    await access.signOut(request, reply)
    return reply.redirect('/hub/login')
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo // listens on TCP by the line above
  return { url: `http://127.0.0.1:${port}`, stop: hub.close }
}

async function send(hub: Hub, method: string, path: string, cookie: string, form?: string) {
  const headers = {
    cookie,
    ...(form === undefined
      ? {}
      : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(form)) }),
  }
  const request = httpRequest(hub.url + path, { method, headers, agent: false })
  request.end(form)
  const [response] = (await once(request, 'response')) as [IncomingMessage] // documented by node:http
  return { status: response.statusCode!, headers: response.headers, body: await text(response) }
}

/** A stranger comes, mistypes, signs in, looks round, leaves. */
async function story(hub: Hub): Promise<{ status: number; cookies: string[] }[]> {
  const seen: { status: number; cookies: string[] }[] = []
  let jar = ''
  const step = async (method: string, path: string, form?: string) => {
    const answer = await send(hub, method, path, jar, form)
    seen.push({ status: answer.status, cookies: cookieShapes(answer.headers['set-cookie'] ?? []) })
    jar = cookieJar(answer, jar)
    return answer.body
  }
  const credentials = 'username=alice&password=any'
  const login = await step('GET', '/hub/login')
  const xsrf =
    /name="_xsrf"[^>]*value="([^"]*)"/.exec(login)?.[1] ?? /value="([^"]*)"[^>]*name="_xsrf"/.exec(login)?.[1]
  assert.ok(xsrf)
  await step('POST', '/hub/login', `${credentials}&_xsrf=${encodeURIComponent(xsrf)}`)
  await step('GET', '/hub/home')
  await step('GET', '/hub/home')
  jar = /(__Host-)?jupyterhub-hub-login="[^"]*"/.exec(jar)![0]
  await step('GET', '/hub/home')
  await step('GET', '/hub/home')
  await step('GET', '/hub/logout')
  await step('GET', '/hub/home')
  jar = 'jupyterhub-hub-login="2|1:0|forged"'
  await step('GET', '/hub/home')
  return seen
}

describe('cookies, as the released JupyterHub', () => {
  const hubs: Hub[] = []
  before(async () => {
    hubs.push(await startTheirs())
    hubs.push(await startOurs())
  })
  after(async () => {
    for (const hub of hubs) await hub.stop()
  })

  it('are set, kept and cleared alike from the first visit to the last', async () => {
    assert.deepEqual(await story(hubs[1]!), await story(hubs[0]!))
  })
})

describe('cookies with __Host- and attributes of the site, as the released JupyterHub', () => {
  const hubs: Hub[] = []
  before(async () => {
    const attributes = "{'cookie_options': {'samesite': 'None', 'secure': True}}"
    hubs.push(
      await startTheirs(
        'c.JupyterHub.cookie_host_prefix_enabled = True',
        `c.JupyterHub.tornado_settings = ${attributes}`,
      ),
    )
    hubs.push(await startOurs({ cookieHostPrefix: true, cookieOverrides: { sameSite: 'none', secure: true } }))
  })
  after(async () => {
    for (const hub of hubs) await hub.stop()
  })

  it('are set, kept and cleared alike', async () => {
    const seen = await story(hubs[0]!)

    assert.deepEqual(await story(hubs[1]!), seen)
    assert.ok(seen.some(({ cookies }) => cookies.some(cookie => cookie.startsWith('__Host-jupyterhub-hub-login; set'))))
  })
})
