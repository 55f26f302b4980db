import assert from 'node:assert/strict'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { serverDigest } from '../server-records.ts'
import { serverLogs } from './server-logs.ts'

const key = { user: 'ada', server: '' }

describe('logs of servers', () => {
  let base: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'orrery-logs-'))
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))

  it('keep the last three runs', async () => {
    const logs = serverLogs(base)
    for (let run = 1; run <= 5; run++) {
      const fd = openSync(logs.begin(key), 'a')
      writeSync(fd, `run ${run}\n`)
      closeSync(fd)
    }

    assert.equal(readdirSync(join(base, 'logs')).length, 3)
    assert.equal(await logs.tail(key, 10), 'run 5\n')
  })

  it('tell the last lines', async () => {
    const logs = serverLogs(base)
    const fd = openSync(logs.begin(key), 'a')
    writeSync(fd, 'one\ntwo\nthree')
    closeSync(fd)

    assert.equal(await logs.tail(key, 2), 'two\nthree\n')
    assert.equal(await logs.tail({ user: 'bob', server: '' }, 2), '')
  })

  it('are turned over when they grow too large, while the server goes on writing', async () => {
    const logs = serverLogs(base)
    const fd = openSync(logs.begin(key), 'a')
    writeSync(fd, `${'x'.repeat(1000)}\n`)

    await logs.turnOver(500)
    writeSync(fd, 'after\n')
    closeSync(fd)

    assert.equal(await logs.tail(key, 10), 'after\n')
    assert.equal(statSync(join(base, 'logs', `${serverDigest(key)}.log.1`)).size, 1001)
  })

  it('are never read through a symbolic link', async () => {
    const logs = serverLogs(base)
    writeFileSync(join(base, 'secret'), 'a secret\n')
    symlinkSync(join(base, 'secret'), join(base, 'logs', `${serverDigest(key)}.log`))
    assert.equal(await logs.tail(key, 10), '')
  })
})
