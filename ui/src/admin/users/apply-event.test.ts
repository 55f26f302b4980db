import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Page, ServerEvent, User } from '../../api/types.ts'
import { applyToPage } from './apply-event.ts'

const event = {
  user: 'ada',
  server: { name: 'gpu', ready: false, pending: 'spawn', last_activity: '2026-01-02T00:00:00.000000Z' },
  progress: { percent: 40, message: 'Pulling' },
} as ServerEvent // the fields that matter here

it('changes the row of the user in place and leaves the others alone', () => {
  const bob: User = { name: 'bob' }
  const ada: User = { name: 'ada', last_activity: '2026-01-01T00:00:00Z', servers: {} }
  const page: Page<User> = { items: [bob, ada], _pagination: { offset: 0, limit: 50, total: 2 } }

  const next = applyToPage(page, event)

  assert.equal(next.items[0], bob)
  assert.partialDeepStrictEqual(next.items[1], {
    servers: { gpu: { pending: 'spawn', progress: { percent: 40 } } },
    last_activity: '2026-01-02T00:00:00.000000Z',
  })
})

it('keeps a page without that user as it is', () => {
  const page: Page<User> = { items: [{ name: 'bob' }], _pagination: { offset: 0, limit: 50, total: 1 } }
  assert.equal(applyToPage(page, event), page)
})
