import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fieldsOf, typeWords, type Words, words } from './schema-words.ts'

const said = (list: Words) => list.map(({ text }) => text).join('')

describe('JSON Schema in words', () => {
  it('names simple values, with their limits', () => {
    assert.equal(said(typeWords({ type: 'integer', minimum: 1 })), 'integer, 1 at least')
    assert.equal(said(typeWords({ type: 'integer', minimum: -9007199254740991 })), 'integer')
    assert.equal(said(typeWords({ type: 'string', format: 'date-time' })), 'string, a time in UTC')
    assert.equal(said(typeWords({ enum: ['a', 'b'] })), '"a" or "b"')
    assert.equal(said(typeWords({ const: 'user' })), '"user"')
    assert.equal(said(typeWords({})), 'anything')
  })

  it('says what lists and objects hold, with links to shapes', () => {
    const list = typeWords({ type: 'array', items: { $ref: '#/components/schemas/User' } })
    assert.deepEqual(list, [{ text: 'list of ' }, { text: 'User', href: '#shape-User' }])
    const table = { type: 'object', additionalProperties: { type: 'string' } }
    assert.equal(said(typeWords({ anyOf: [table, { type: 'null' }] })), 'object of string by name or null')
  })

  it('lists fields, also those within fields, and each once', () => {
    const inner = { type: 'object', properties: { name: { type: 'string', description: 'Of `it`.' } } }
    const outer = { type: 'object', properties: { user: inner, at: { type: 'string' } }, required: ['user'] }
    const fields = fieldsOf({ anyOf: [outer, outer] })
    assert.deepEqual(
      fields.map(({ name, required }) => [name, required]),
      [
        ['user', true],
        ['user.name', false],
        ['at', false],
      ],
    )
    assert.deepEqual(fields[1]!.about, words('Of `it`.'))
  })

  it('takes what stands between backticks for code', () => {
    assert.deepEqual(words('Needs `self`.'), [{ text: 'Needs ' }, { text: 'self', code: true }, { text: '.' }])
  })
})
