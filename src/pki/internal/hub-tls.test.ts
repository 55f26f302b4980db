import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { silentLogger } from '../../core/runtime.ts'
import { AUTHORITIES } from './authorities.ts'
import { preparePki, renewComponents, rotateAuthorities } from './change-pki.ts'
import { openHubTls } from './hub-tls.ts'
import { CERTIFICATE_DAYS } from './lifetimes.ts'
import { handshake, LOCAL_NAMES, testPki } from './testing.ts'

const MINUTE_MS = 60_000
const ada = { user: 'ada', server: '' }

describe('the hub with internal TLS', () => {
  it('takes over what somebody else has changed', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    using pki = testPki()
    await preparePki(pki)
    const tls = openHubTls(pki)
    const told: string[] = []
    tls.keepUpToDate(({ listen }) => told.push(listen.cert), silentLogger)
    const before = tls.listen.cert

    t.mock.timers.tick(MINUTE_MS)
    assert.deepEqual(told, [])
    await renewComponents(pki)
    t.mock.timers.tick(MINUTE_MS)

    assert.deepEqual(told, [tls.listen.cert])
    assert.notEqual(tls.listen.cert, before)
    tls.close()
  })

  it('accepts servers of a new authority, and those of the former one, without a restart', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    using pki = testPki()
    await preparePki(pki)
    const tls = openHubTls(pki)
    tls.keepUpToDate(() => {}, silentLogger)
    const old = await tls.forServer(ada, LOCAL_NAMES)
    await rotateAuthorities(pki, AUTHORITIES)
    const fresh = await tls.forServer(ada, LOCAL_NAMES)

    // Before the hub has looked, the former authority vouches for the new one.
    for (const server of [old, fresh]) assert.equal(await handshake(tls.listen, server), 'connected')
    t.mock.timers.tick(MINUTE_MS)
    for (const server of [old, fresh]) {
      assert.equal(await handshake(tls.listen, server), 'connected')
      assert.equal(await handshake(server, tls.listen), 'connected')
    }
    tls.close()
  })

  it('renews its own certificate while it runs', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    let now = new Date()
    using pki = testPki({ clock: { now: () => now } })
    await preparePki(pki)
    const tls = openHubTls(pki)
    const { promise, resolve } = Promise.withResolvers<string>()
    tls.keepUpToDate(({ listen }) => resolve(listen.cert), silentLogger)

    now = new Date(now.getTime() + CERTIFICATE_DAYS * 0.7 * 86_400_000)
    t.mock.timers.tick(60 * MINUTE_MS)

    assert.ok(new X509Certificate(await promise).validFromDate.getTime() > now.getTime() - 2 * 60 * MINUTE_MS)
    tls.close()
  })
})
