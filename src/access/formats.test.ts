import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type JupyterHubOracle, startOracle, withoutJupyterHub } from '../../test/support/jupyterhub-oracle.ts'
import { cookieLine, readCookies } from './cookie-header.ts'
import { requireSignedIn } from './guards.ts'
import { readSignedValue, signValue } from './signed-cookie.ts'
import { TEST_SECRET, testHub } from './testing.ts'
import { hashToken, newToken, verifyToken } from './token-format.ts'

const secret = Buffer.alloc(32, 3)
const now = new Date()
const fresh = { maxAgeDays: 14, now }

describe('tokens', () => {
  it('verify against their own hash and no other', () => {
    const token = newToken()
    const { prefix, hashed } = hashToken(token)
    assert.equal(prefix, token.slice(0, 4))
    assert.match(hashed, /^sha512:1:[0-9a-f]{16}:[0-9a-f]{128}$/)
    assert.equal(verifyToken(hashed, token), true)
    assert.equal(verifyToken(hashed, newToken()), false)
    assert.notEqual(hashToken(token).hashed, hashed)
  })

  it('match nothing when the hash is damaged or the token overlong', () => {
    const long = 'a'.repeat(65)
    assert.equal(verifyToken(hashToken(long).hashed, long), false)
    for (const hashed of [
      '',
      'sha512',
      'sha512:1:00',
      'sha512:x:00:00',
      'sha0:1:00:00',
      'sha512:-1:00:00',
      'sha512:1:00:00:00',
    ]) {
      assert.equal(verifyToken(hashed, 'token'), false)
    }
  })
})

describe('signed cookies', () => {
  const signed = signValue(secret, 'login', 'value with ü', now)

  it('come back as they were signed', () => {
    assert.equal(readSignedValue(secret, 'login', signed, fresh), 'value with ü')
  })

  it('are refused under another name or secret, and when they are too old', () => {
    assert.equal(readSignedValue(secret, 'other', signed, fresh), undefined)
    assert.equal(readSignedValue(Buffer.alloc(32, 4), 'login', signed, fresh), undefined)
    const later = new Date(now.getTime() + 14 * 86_400_000 + 2000)
    assert.equal(readSignedValue(secret, 'login', signed, { maxAgeDays: 14, now: later }), undefined)
  })

  it('are refused after any change of a single character', () => {
    for (let i = 0; i < signed.length; i++) {
      const changed = signed.slice(0, i) + (signed[i] === '0' ? '1' : '0') + signed.slice(i + 1)
      if (changed !== signed) assert.equal(readSignedValue(secret, 'login', changed, fresh), undefined, `at ${i}`)
    }
    for (const wrong of [
      '',
      '2|',
      '2|1:0',
      `${signed}0`,
      signed.slice(0, -1),
      '1|2|3',
      'x'.repeat(9000),
      '2|9999:0|',
    ]) {
      assert.equal(readSignedValue(secret, 'login', wrong, fresh), undefined)
    }
  })
})

describe('cookie headers', () => {
  it('give all values of a name, without quotes', () => {
    assert.deepEqual(readCookies('a=1; b="2=3"; a=4;a =5', 'a'), ['1', '4', '5'])
    assert.deepEqual(readCookies('a=1; b="2=3"', 'b'), ['2=3'])
    assert.deepEqual(readCookies(undefined, 'a'), [])
    assert.deepEqual(readCookies(`a=${'x'.repeat(40_000)}`, 'a'), [])
  })

  it('quote what needs it and refuse what would break out', () => {
    assert.equal(cookieLine('a', 'b|c=', { path: '/hub/', httpOnly: true }), 'a="b|c="; Path=/hub/; HttpOnly')
    for (const value of ['a;b', 'a\r\nb', 'a"b', 'a b'])
      assert.throws(() => cookieLine('a', value, { path: '/' }), TypeError)
    assert.throws(() => cookieLine('a', 'b', { path: '/;x' }), TypeError)
  })
})

describe('formats, held against the released JupyterHub', { skip: withoutJupyterHub }, () => {
  let oracle: JupyterHubOracle
  before(() => {
    oracle = startOracle()
  })
  after(() => oracle.close())

  it('accept its tokens, and it ours', async () => {
    for (const [token, rounds] of [
      [newToken(), 1],
      ['a chosen tökén', 16_384],
    ] as const) {
      assert.equal(verifyToken(await oracle.call('hash_token', token, rounds), token), true)
      assert.equal(await oracle.call('verify_token', hashToken(token, { rounds }).hashed, token), true)
      assert.equal(await oracle.call('verify_token', hashToken(token, { rounds }).hashed, `${token}x`), false)
    }
  })

  it('accept its signed cookies, and it ours', async () => {
    const hex = secret.toString('hex')
    const theirs = await oracle.call<string>('sign', hex, 'jupyterhub-hub-login', 'abc')
    assert.equal(readSignedValue(secret, 'jupyterhub-hub-login', theirs, { maxAgeDays: 14, now: new Date() }), 'abc')
    const ours = signValue(secret, 'jupyterhub-hub-login', 'abc', now)
    assert.equal(await oracle.call('unsign', hex, 'jupyterhub-hub-login', ours, 14), 'abc')
    assert.equal(await oracle.call('unsign', hex, 'other', ours, 14), null)
  })

  it('accept its login and xsrf cookies as a signed-in page', async t => {
    const hub = await testHub()
    t.after(hub.close)
    const alice = await hub.addUser('alice')
    hub.app.post('/hub/home', { preHandler: requireSignedIn(hub.access) }, async () => 'ok')
    const hex = TEST_SECRET.toString('hex')
    const login = await oracle.call<string>('sign', hex, 'jupyterhub-hub-login', alice.cookieId)
    const signed = await oracle.call<string>('sign', hex, '_xsrf', `5e551011:${alice.cookieId}`)
    const xsrf = Buffer.from(signed).toString('base64url')

    const post = (token: string, session: string) =>
      hub.app.inject({
        method: 'POST',
        url: '/hub/home',
        headers: {
          cookie: `jupyterhub-session-id=${session}; jupyterhub-hub-login="${login}"; _xsrf=${xsrf}`,
          'x-xsrftoken': token,
        },
      })

    assert.equal((await post(xsrf, '5e551011')).body, 'ok')
    assert.equal((await post(xsrf, '5e551012')).statusCode, 403)
  })
})
