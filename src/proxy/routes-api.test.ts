/** Where this API is kinder or stricter than configurable-http-proxy's; what is alike is in test/conformance/proxy. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startTestProxy } from './testing/running-proxy.ts'
import { connectRaw } from './testing/sockets.ts'

const TARGET = 'http://127.0.0.1:1'

describe('routes API', () => {
  it('checks the token before it reads a body', async () => {
    await using proxy = await startTestProxy({}, { authToken: undefined })
    await using guarded = await startTestProxy({}, { authToken: 'secret' })
    const post = (url: string, authorization?: string) =>
      fetch(`${url}/api/routes/x`, { method: 'POST', body: '{', ...(authorization && { headers: { authorization } }) })

    assert.equal((await post(proxy.apiAddress.url)).status, 400)
    assert.equal((await post(guarded.apiAddress.url)).status, 403)
    assert.equal((await post(guarded.apiAddress.url, 'token secre')).status, 403)
    assert.equal((await post(guarded.apiAddress.url, 'token secret2')).status, 403)
    assert.equal((await post(guarded.apiAddress.url, 'bearer secret')).status, 403)
    assert.equal((await post(guarded.apiAddress.url, 'token secret')).status, 400)
  })

  it('refuses bodies above a megabyte, announced or not', async () => {
    await using proxy = await startTestProxy({})
    const head = 'POST /api/routes/x HTTP/1.1\r\nHost: h\r\n'
    await using announced = connectRaw(proxy.apiAddress.port, `${head}Content-Length: 2000000\r\n\r\n`)
    await using chunked = connectRaw(proxy.apiAddress.port, `${head}Transfer-Encoding: chunked\r\n\r\n`)
    for (let i = 0; i < 20; i++) chunked.send(`10000\r\n${'x'.repeat(65_536)}\r\n`)

    assert.match(await announced.until('too large'), /^HTTP\/1\.1 413 /)
    assert.match(await chunked.until('too large'), /^HTTP\/1\.1 413 /)
  })

  it('refuses a target that it could not reach, at once', async () => {
    await using proxy = await startTestProxy({})
    for (const target of ['', 'localhost:80', 'ftp://a/', 'http+unix:///', '/path']) {
      const response = await fetch(`${proxy.apiAddress.url}/api/routes/x`, {
        method: 'POST',
        body: JSON.stringify({ target }),
      })
      assert.equal(response.status, 400, target)
    }
  })

  it('answers where configurable-http-proxy hangs: broken escapes, DELETE without a path', async () => {
    await using proxy = await startTestProxy({ '/': TARGET })
    const api = `${proxy.apiAddress.url}/api/routes`

    assert.equal((await fetch(`${api}/%ff`)).status, 400)
    assert.equal((await fetch(api, { method: 'DELETE' })).status, 204)
  })

  it('has no route names that break the table', async () => {
    await using proxy = await startTestProxy({ '/__proto__/': TARGET, '/constructor/': TARGET })

    const text = await (await fetch(`${proxy.apiAddress.url}/api/routes`)).text()

    assert.deepEqual(Object.keys(JSON.parse(text)).sort(), ['/__proto__', '/constructor'])
    assert.equal((await fetch(`${proxy.apiAddress.url}/api/routes/valueOf`)).status, 404)
  })
})
