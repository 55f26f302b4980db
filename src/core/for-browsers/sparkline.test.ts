import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { areaBelow, sparkline } from './sparkline.ts'

const frame = { spanMs: 600_000, highest: 100, width: 120, height: 33 }
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))

describe('the line of a small chart', () => {
  it('ends at the right, with time to the left and much at the top', () => {
    const points = [0, 300, 600].map((second, n) => ({ at: at(second), value: n * 50 }))

    assert.equal(sparkline(points, frame), '0,31.5 60,16.5 120,1.5')
  })

  it('stays in its frame: what is older is left out, what is more is at the top', () => {
    const points = [
      { at: at(0), value: 1 },
      { at: at(601), value: 500 },
      { at: at(901), value: 0 },
    ]

    assert.equal(sparkline(points, frame), '60,1.5 120,31.5')
  })

  it('can be seen with one point, and is nothing without', () => {
    assert.equal(sparkline([{ at: at(0), value: 0 }], frame), '116.4,31.5 120,31.5')
    assert.equal(sparkline([], frame), '')
    assert.equal(areaBelow('', 33), '')
  })

  it('has what is below it as an area', () => {
    assert.equal(areaBelow('0,31.5 120,1.5', 33), '0,33 0,31.5 120,1.5 120,33')
  })
})
