/** `headers`, `cookies` and `hub.routespec` of a config, and what the hub makes of them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from './load-config.ts'

describe('headers, cookies and the route of the hub', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-web-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function load(config: object) {
    const path = join(folder, 'orrery.config.json')
    await writeFile(path, JSON.stringify(config))
    return loadConfig({ path, env: {}, folder })
  }

  it('are taken as they make sense', async () => {
    const { headers, cookies, hub } = await load({
      headers: { 'Content-Security-Policy': "frame-ancestors 'self' https://lms.example.org" },
      cookies: { sameSite: 'none', domain: 'example.org' },
      hub: { routespec: 'jupyter/hub' },
    })
    assert.deepEqual(headers, { 'Content-Security-Policy': "frame-ancestors 'self' https://lms.example.org" })
    assert.deepEqual(cookies, { hostPrefix: false, sameSite: 'none', domain: 'example.org' })
    assert.equal(hub.routespec, '/jupyter/hub/')
    assert.deepEqual((await load({})).cookies, { hostPrefix: false })
  })

  it('are refused where answers or sign-in would break', async () => {
    const faulty = load({
      headers: { 'Set-Cookie': 'a=b', 'X Y': '', 'X-Lines': 'a\r\nSet-Cookie: b=c' },
      cookies: { hostPrefix: true, domain: 'example.org', secure: false },
      forwardedHostHeader: 'X: Y',
      hub: { routespec: 'http://elsewhere/' },
    })
    await assert.rejects(faulty, error => {
      assert.ok(error instanceof Error)
      for (const place of [
        'headers."Set-Cookie": expected another header',
        'headers."X Y": expected the name of a header',
        'headers."X-Lines": expected a text without line ends',
        'cookies.domain: expected none with hostPrefix',
        'cookies.secure: expected true or nothing with hostPrefix',
        'forwardedHostHeader: ',
        'hub.routespec: ',
      ]) {
        assert.ok(error.message.includes(`\n  ${place}`), `${place} in ${error.message}`)
      }
      return true
    })
  })
})
