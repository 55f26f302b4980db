import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseLogLine } from './child-log.ts'
import { terminal } from './terminal.ts'

function written(isTTY: boolean, use: (screen: ReturnType<typeof terminal>) => void): string {
  let text = ''
  use(terminal({ isTTY, columns: 80, write: part => (text += part) }))
  return text
}

describe('terminal', () => {
  it('shows progress in few plain lines where lines stay', () => {
    const text = written(false, screen => {
      for (let done = 1; done <= 8; done++) screen.progress('Downloading', done, 8)
      screen.progress('Installing')
    })

    assert.equal(
      text,
      ['1 of about 8', '3 of about 8', '5 of about 8', '7 of about 8']
        .map(share => `  Downloading: ${share}\n`)
        .concat('  Installing ...\n')
        .join(''),
    )
  })

  it('shows it in one line that changes on a terminal', () => {
    const text = written(true, screen => {
      screen.progress('Downloading', 1, 2)
      screen.progress('Downloading', 2, 2)
      screen.progressDone()
    })

    assert.doesNotMatch(text, /\n/)
  })

  it('has no colours where it is no terminal', () => {
    const line = parseLogLine('{"level":50,"time":1,"msg":"server failed","user":"ada","err":{"message":"no space"}}')

    const text = written(false, screen => screen.log('hub', line))

    assert.match(text, /^\d\d:\d\d:\d\d hub {6}error server failed user=ada \(no space\)\n$/)
  })

  it('takes a line that is no JSON as an error', () => {
    assert.deepEqual(parseLogLine('Segmentation fault'), { level: 50, text: 'Segmentation fault', fields: '' })
  })
})
