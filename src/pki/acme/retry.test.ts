import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Failures, nextFailure, readFailures, writeFailures } from './retry.ts'

const MINUTE_MS = 60_000

describe('pauses between orders that fail', () => {
  it('grow, so that no hour sees five of them and no day goes by without one', () => {
    let nowMs = 0
    let failures: Failures | undefined
    const at: number[] = []
    for (let n = 0; n < 15; n++) {
      at.push(nowMs)
      failures = nextFailure(failures, 'refused', nowMs, 0) // the shortest that chance gives
      nowMs = failures.retryAtMs
    }

    assert.ok(at.filter(ms => ms < 60 * MINUTE_MS).length < 5)
    assert.ok(at.at(-1)! - at.at(-2)! <= 24 * 60 * MINUTE_MS)
    assert.equal(failures?.count, 15)
  })

  it('are hours when the authority says that there were too many', () => {
    const { retryAtMs } = nextFailure(undefined, 'too many certificates already issued', 0, 0.5)

    assert.ok(retryAtMs >= 3 * 60 * MINUTE_MS)
  })

  it('are kept in a file; one that cannot be read is none', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'retry-')), 'failures.json')
    assert.equal(await readFailures(file), undefined)
    const failure = nextFailure(undefined, 'refused', 1000, 0.5)

    await writeFailures(file, failure)
    assert.deepEqual(await readFailures(file), failure)
    writeFileSync(file, '{"count":')
    assert.equal(await readFailures(file), undefined)
    await writeFailures(file, undefined)
    await writeFailures(file, undefined)
    assert.equal(await readFailures(file), undefined)
  })
})
