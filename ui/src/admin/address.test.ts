import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, parseAddress, withQuery } from './address.ts'

describe('addresses of the admin page', () => {
  it('come back as they were, below any base', () => {
    for (const hub of ['/hub/', '/jupyter/hub/']) {
      for (const [path, search] of [
        ['', ''],
        ['/servers', ''],
        ['/groups', '?group=staff'],
        ['', '?search=a%26b&state=active&sort=-last_activity&page=3&user=ada+%C3%A9'],
      ] as const) {
        const address = parseAddress(`${hub}admin${path}`, search, hub)
        assert.equal(formatAddress(address, hub), `${hub}admin${path}${search}`)
      }
    }
  })

  it('lead to the users when the tab is unknown', () => {
    assert.deepEqual(parseAddress('/hub/admin/nonsense', '', '/hub/'), { tab: 'users', query: {} })
    assert.equal(parseAddress('/hub/admin/', '', '/hub/').tab, 'users')
  })

  it('change single fields', () => {
    const address = parseAddress('/hub/admin', '?search=a&page=2', '/hub/')
    assert.deepEqual(withQuery(address, { page: undefined, user: 'ada' }).query, { search: 'a', user: 'ada' })
  })
})
