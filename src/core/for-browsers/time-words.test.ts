import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agoWords, elapsedWords, spanWords } from './time-words.ts'

type Words = (seconds: number) => string
const script = new URL('../../pages/static/js/times.js', import.meta.url).href
const browser: Record<'agoWords' | 'spanWords' | 'elapsedWords', Words> = await import(script)

describe('times in words', () => {
  it('are said as people say them', () => {
    assert.deepEqual(
      [3, 59, 720, 7300, 86400 * 3].map(seconds => agoWords(seconds)),
      ['just now', '59 s ago', '12 min ago', '2 h ago', '3 days ago'],
    )
    assert.equal(agoWords(-7200), 'in 2 h')
    assert.deepEqual(
      [41, 723, 3723].map(seconds => elapsedWords(seconds)),
      ['0:41', '12:03', '1:02:03'],
    )
  })

  it('are the same in the browser', () => {
    for (const seconds of [-90000, -50, 0, 9, 10, 59, 60, 3599, 3600, 172799, 172800, 1e6]) {
      assert.equal(browser.agoWords(seconds), agoWords(seconds))
      assert.equal(browser.spanWords(seconds), spanWords(seconds))
      assert.equal(browser.elapsedWords(seconds), elapsedWords(seconds))
    }
  })
})
