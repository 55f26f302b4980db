import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import { gatheredLog } from './gathered-log.ts'

describe('the log of the hub', () => {
  it('writes lines of requests together after a moment', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { log, writes } = testLog()

    log.info('first')
    log.info('second')
    const before = writes.length
    t.mock.timers.tick(100)

    assert.equal(before, 0)
    assert.deepEqual(writes.map(messagesOf), [['first', 'second']])
  })

  it('writes a warning at once, and what was logged before it', () => {
    const { log, writes } = testLog()

    log.info('first')
    log.warn('second')
    log.error('third')

    assert.deepEqual(writes.map(messagesOf), [['first', 'second'], ['third']])
  })

  it('does not let lines pile up', () => {
    const { log, writes } = testLog()

    log.info('x'.repeat(40_000))

    assert.equal(writes.length, 1)
  })

  for (const [how, end] of [
    ['process.exit', 'process.exit(3)'],
    ['an error that nobody caught', "throw new Error('unforeseen')"],
    ['having nothing left to do', ''],
  ] as const) {
    it(`loses nothing when the process ends by ${how}`, () => {
      const program = `
        import { pino } from 'pino'
        import { gatheredStdout } from ${JSON.stringify(join(import.meta.dirname, 'gathered-log.ts'))}
        const log = pino({}, gatheredStdout())
        log.child({ part: 'a' }).info('first')
        log.info('last words')
        ${end}`

      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })

      assert.deepEqual(messagesOf(stdout), ['first', 'last words'])
    })
  }
})

function testLog() {
  const writes: string[] = []
  return {
    log: pino(
      {},
      gatheredLog(text => writes.push(text)),
    ),
    writes,
  }
}

function messagesOf(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).msg)
}
