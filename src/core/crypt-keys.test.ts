import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCryptKeys } from './crypt-keys.ts'

const bytes = Buffer.from('00fbff3e3f'.padEnd(64, 'a'), 'hex')
const base64 = bytes.toString('base64')
const urlSafe = base64.replaceAll('+', '-').replaceAll('/', '_')
const hexed = bytes.toString('hex')

describe('crypt keys', () => {
  it('are taken as hexadecimal digits, as base64 of both alphabets, and as 32 characters', () => {
    for (const text of [hexed, hexed.toUpperCase(), base64, urlSafe]) {
      assert.deepEqual(readCryptKeys([text], {}), [bytes], text)
    }
    assert.notEqual(base64, urlSafe)
    assert.deepEqual(readCryptKeys(['k'.repeat(32)], {}), [Buffer.from('k'.repeat(32))])
  })

  it('are several in one text, the config first, the variable when it says nothing', () => {
    const env = { JUPYTERHUB_CRYPT_KEY: `${'a'.repeat(32)}; ;${hexed};` }
    assert.deepEqual(readCryptKeys([], env), [Buffer.from('a'.repeat(32)), bytes])
    assert.deepEqual(readCryptKeys([`${'b'.repeat(32)}\n${hexed}`], env), [Buffer.from('b'.repeat(32)), bytes])
    assert.deepEqual(readCryptKeys([], {}), [])
  })

  it('are refused when they are no 32 bytes, by number and source, never by content', () => {
    for (const wrong of ['short', 'g'.repeat(64), 'k'.repeat(33), 'ü'.repeat(32), `${'A'.repeat(43)}B`.slice(1)]) {
      assert.throws(
        () => readCryptKeys([hexed, wrong], {}),
        (error: Error & { code: string }) =>
          error.code === 'crypt_key_invalid' &&
          error.message.includes('Key 2 of authState.keys') &&
          !error.message.includes(wrong),
        wrong,
      )
    }
    assert.throws(() => readCryptKeys([], { JUPYTERHUB_CRYPT_KEY: 'x' }), /Key 1 of JUPYTERHUB_CRYPT_KEY/)
  })
})
