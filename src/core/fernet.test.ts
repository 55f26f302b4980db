import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decryptFernet, encryptFernet } from './fernet.ts'

/** generate.json and verify.json of the specification. */
const KEY = Buffer.from('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=', 'base64url')
const TOKEN = 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='
const OTHER = Buffer.alloc(32, 9)

describe('fernet', () => {
  it('makes the token of the specification', () => {
    const iv = Uint8Array.from({ length: 16 }, (_, n) => n)
    const now = new Date('1985-10-26T01:20:00-07:00')
    assert.equal(encryptFernet(KEY, Buffer.from('hello'), { now, iv }), TOKEN)
  })

  it('reads it, and tells which key did', () => {
    assert.deepEqual(decryptFernet([OTHER, KEY], TOKEN), { plain: Buffer.from('hello'), key: 1 })
  })

  it('reads back what it made, whatever its length', () => {
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      const plain = Buffer.alloc(length, 'x')
      assert.deepEqual(decryptFernet([KEY], encryptFernet(KEY, plain, { now: new Date() }))?.plain, plain)
    }
  })

  it('refuses another key, no key, and a token changed at any place, cut or lengthened', () => {
    assert.equal(decryptFernet([OTHER], TOKEN), undefined)
    assert.equal(decryptFernet([], TOKEN), undefined)
    const bytes = Buffer.from(TOKEN, 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      assert.equal(decryptFernet([KEY], changed.toString('base64url')), undefined, `byte ${at}`)
    }
    for (const token of ['', '%', 'gAAAAA', TOKEN.slice(0, -8), `${TOKEN.slice(0, -2)}AAAA`, 'x'.repeat(200)]) {
      assert.equal(decryptFernet([KEY], token), undefined, token)
    }
  })
})
