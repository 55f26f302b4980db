import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readTokensQuery, tokensPath } from './tokens-query.ts'

it('reads the address, ignores what makes no sense, and asks for one page', () => {
  const query = readTokensQuery({ search: 'ada', kind: 'stolen', sort: 'note', page: '2' })

  assert.deepEqual(query, { search: 'ada', kind: '', sort: '-id', page: 2 })
  assert.equal(tokensPath(query), 'orrery/tokens?name_filter=ada&sort=-id&offset=50&limit=50')
})
