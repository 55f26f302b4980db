import assert from 'node:assert/strict'
import { it } from 'node:test'
import { formatProperties, parseProperties } from './properties.ts'

it('takes a JSON object, and says what is wrong with anything else', () => {
  assert.deepEqual(parseProperties('{"room": 7}'), { value: { room: 7 } })
  assert.deepEqual(parseProperties(' \n'), { value: {} })
  for (const text of ['[1]', 'null', '7', '"a"'])
    assert.match((parseProperties(text) as { fault: string }).fault, /object/)
  assert.match((parseProperties('{room: 7}') as { fault: string }).fault, /^This is no JSON: /)
  assert.deepEqual(parseProperties(formatProperties({ a: [1] })), { value: { a: [1] } })
})
