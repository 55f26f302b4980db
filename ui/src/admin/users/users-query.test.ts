import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isFiltered, readUsersQuery, usersPath } from './users-query.ts'

it('reads filters from the address, and ignores what makes no sense', () => {
  const query = readUsersQuery({ search: 'ad', state: 'sleeping', sort: '-last_activity', page: '-3', size: '7' })

  assert.deepEqual(query, { search: 'ad', state: '', admin: '', group: '', sort: '-last_activity', page: 1, size: 50 })
  assert.equal(isFiltered(query), true)
  assert.equal(isFiltered(readUsersQuery({ page: '4', sort: '-name' })), false)
})

it('asks the API for one page, with stopped servers', () => {
  const path = usersPath(readUsersQuery({ search: 'a&b', group: 'staff', page: '3', size: '100' }))

  assert.equal(path, 'users?name_filter=a%26b&group=staff&sort=name&offset=200&limit=100&include_stopped_servers=1')
})
