import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fromDbTime, normalDbTime, toDbTime } from './db-time.ts'

describe('database times', () => {
  it('are written as SQLAlchemy writes them', () => {
    assert.equal(toDbTime(new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))), '2026-01-02 03:04:05.678000')
  })

  it('survive the way there and back, and sort like the moments they name', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, dates, (a, b) => {
        assert.equal(fromDbTime(toDbTime(a)).getTime(), a.getTime())
        assert.equal(toDbTime(a) < toDbTime(b), a < b)
      }),
    )
  })

  it('are read without a fraction, with microseconds, and refused when they are no times', () => {
    assert.equal(fromDbTime('2026-01-02 03:04:05').toISOString(), '2026-01-02T03:04:05.000Z')
    assert.equal(fromDbTime('2026-01-02 03:04:05.123456').getMilliseconds(), 123)
    assert.throws(() => fromDbTime('2026-01-02T03:04:05Z'), RangeError)
    assert.throws(() => fromDbTime(''), RangeError)
  })

  it('of PostgreSQL are brought to one length', () => {
    assert.equal(normalDbTime('2026-01-02 03:04:05.5'), '2026-01-02 03:04:05.500000')
    assert.equal(normalDbTime('2026-01-02 03:04:05'), '2026-01-02 03:04:05.000000')
  })
})
