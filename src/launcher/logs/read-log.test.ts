import assert from 'node:assert/strict'
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { LogPart, LogPlace } from '../../plugin/spawner.ts'
import { type ServerLogs, serverLogs } from './server-logs.ts'

const key = { user: 'ada', server: '' }

describe('reading the log of a server in parts', () => {
  let base: string
  let logs: ServerLogs
  let fd: number
  const write = (text: string) => writeSync(fd, text)
  const begin = () => {
    if (fd !== -1) closeSync(fd)
    fd = openSync(logs.begin(key), 'a')
  }
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'orrery-read-'))
    logs = serverLogs(base)
    fd = -1
    begin()
  })
  afterEach(() => {
    closeSync(fd)
    rmSync(base, { recursive: true, force: true })
  })

  /** What somebody sees who goes on from there until there is no more. */
  async function readOn(place: LogPlace = {}): Promise<{ text: string; next: string; parts: LogPart[] }> {
    const parts: LogPart[] = []
    for (let after = place.after; ; ) {
      const part = await logs.read(key, { ...place, ...(after !== undefined && { after }) })
      parts.push(part)
      if (part.isEnd) return { text: parts.map(({ text }) => text).join(''), next: part.next, parts }
      after = part.next
    }
  }

  it('tells whole lines as they come, each once', async () => {
    write('one\ntwo\nthr')
    const first = await readOn()
    const nothing = await readOn({ after: first.next })
    write('ee\nfour\n')
    const second = await readOn({ after: first.next })

    assert.deepEqual([first.text, nothing.text, second.text], ['one\ntwo\n', '', 'three\nfour\n'])
    assert.ok([...first.parts, ...second.parts].every(part => !part.isLost))
  })

  it('begins with the last lines, and goes on behind them', async () => {
    write('one\ntwo\nthree\nfo')
    const { text, next } = await logs.read(key, { lines: 2 })
    write('ur\n')

    assert.equal(text, 'two\nthree\n')
    assert.equal((await readOn({ after: next })).text, 'four\n')
    assert.equal((await logs.read(key, { lines: 0 })).text, '')
  })

  it('tells a last line without an end when no more can come', async () => {
    write('one\nKilled')
    assert.equal((await readOn({ whole: true })).text, 'one\nKilled\n')
  })

  it('reads no further than somebody else has read', async () => {
    write('one\n')
    const { next: until } = await readOn()
    write('two\n')

    const upTo = await readOn({ until })

    assert.equal(upTo.text, 'one\n')
    assert.equal(upTo.next, until)
  })

  it('loses nothing of a log that is turned over between two looks', async () => {
    write('one\n')
    const first = await readOn()
    write('two\n')
    await logs.turnOver(1)
    write('three\n')

    const second = await readOn({ after: first.next })
    write('four\n')

    assert.equal(second.text, 'two\nthree\n')
    assert.ok(second.parts.every(part => !part.isLost))
    assert.equal((await readOn({ after: second.next })).text, 'four\n')
  })

  it('goes on with the next run', async () => {
    write('one\n')
    const first = await readOn()
    write('last words')
    begin()
    write('another run\n')

    const second = await readOn({ after: first.next })

    assert.equal(second.text, 'last words\nanother run\n')
  })

  it('says so when what comes next is not kept any more', async () => {
    write('one\n')
    const { next } = await readOn()
    for (let run = 0; run < 4; run++) begin()
    write('later\n')

    const { text, parts } = await readOn({ after: next })

    assert.equal(text, 'later\n')
    assert.equal(parts[0]!.isLost, true)
  })

  it('reads a large log in parts, and cuts lines that nobody would read', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `line ${n}`)
    write(`${lines.join('\n')}\n${'x'.repeat(300_000)}\nend\n`)

    const { text, parts } = await readOn()

    const told = text.split('\n')
    assert.deepEqual(told.slice(0, 20_000), lines)
    assert.ok(told.every(line => line.length < 10_000))
    assert.equal(told.at(-2), 'end')
    assert.ok(parts.length >= 3 && parts.every(part => part.text.length < 200_000))
  })

  it('hides secrets, also one that lies over the edge of a part', async () => {
    const token = 'a1b2c3d4'.repeat(4)
    for (let at = 128 * 1024 - 60; at < 128 * 1024 + 20; at += 7) {
      begin()
      write(`${'-'.repeat(99)}\n`.repeat(Math.floor(at / 100)))
      write(`${' '.repeat(at % 100)}JUPYTERHUB_API_TOKEN=${token} and ${token}\n`)
      assert.ok(!(await readOn()).text.includes(token))
    }
  })

  it('is empty for a server that never ran, until it does', async () => {
    const other = { user: 'bob', server: 'gpu' }
    const { text, next, isEnd } = await logs.read(other, {})
    appendFileSync(logs.begin(other), 'hello\n')

    assert.deepEqual([text, isEnd], ['', true])
    assert.equal((await logs.read(other, { after: next })).text, 'hello\n')
  })
})
