import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asksNotToCount } from './request-activity.ts'

describe('asksNotToCount', () => {
  it('looks for the parameter of jupyter-server, with or without a value', () => {
    for (const url of ['/a?no_track_activity=1', '/a?b=c&no_track_activity', '/a?no_track_activity&b']) {
      assert.equal(asksNotToCount(url), true, url)
    }
  })

  it('does not take other names or the path for it', () => {
    for (const url of [
      '/a',
      '/no_track_activity',
      '/a?xno_track_activity=1',
      '/a?no_track_activity2',
      '/a?b=no_track_activity',
    ]) {
      assert.equal(asksNotToCount(url), false, url)
    }
  })
})
