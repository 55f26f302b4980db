import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseNames } from './parse-names.ts'

it('takes names as people paste them, each once', () => {
  assert.deepEqual(parseNames(' ada, grace\nlinus;\tada \n'), ['ada', 'grace', 'linus'])
  assert.deepEqual(parseNames(' \n'), [])
})
