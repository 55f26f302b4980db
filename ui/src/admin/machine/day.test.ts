import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dayLines, hourly, pointAt } from './day.ts'

const now = new Date('2026-01-02T12:00:00Z')
const frame = { now, highest: 2, width: 480, height: 103 }
const point = (hoursAgo: number, value: number) => ({ at: new Date(now.getTime() - hoursAgo * 3_600_000), value })

describe('a day of figures', () => {
  it('is a line from a day ago on the left to now on the right', () => {
    const points = [24, 23.75, 23.5].map(hours => point(hours, 1))

    assert.deepEqual(dayLines([...points, point(0.25, 0), point(0, 2)], frame), [
      '0,51.5 5,51.5 10,51.5',
      '475,101.5 480,1.5',
    ])
  })

  it('has no line over the time of which nothing is known', () => {
    assert.equal(dayLines([point(12, 1), point(11.9, 1), point(3, 1), point(2.9, 1)], frame).length, 2)
    assert.deepEqual(dayLines([], frame), [])
  })

  it('is a table of hours, the latest first', () => {
    assert.deepEqual(
      hourly([point(2.5, 1), point(2.25, 3), point(0.5, 5)]).map(({ begin, value }) => [begin.toISOString(), value]),
      [
        ['2026-01-02T11:00:00.000Z', 5],
        ['2026-01-02T09:00:00.000Z', 2],
      ],
    )
  })

  it('has a point under the pointer, where there is one near', () => {
    const points = [point(12, 1), point(0, 2)]

    assert.equal(pointAt(points, 0.5, now)?.value, 1)
    assert.equal(pointAt(points, 1, now)?.value, 2)
    assert.equal(pointAt(points, 0.75, now), undefined)
  })
})
