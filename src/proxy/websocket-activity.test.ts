import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { watchFrames } from './websocket-activity.ts'

const OPCODES = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa }

/** As a client sends it; the payload's first bytes look like the head of another frame. */
function frame(kind: keyof typeof OPCODES, length = 0, masked = true): Buffer {
  const short = length < 126 ? length : length < 65_536 ? 126 : 127
  const head = [0x80 | OPCODES[kind], (masked ? 0x80 : 0) | short]
  const extended = Buffer.alloc(short === 126 ? 2 : short === 127 ? 8 : 0)
  if (short === 126) extended.writeUInt16BE(length)
  if (short === 127) extended.writeBigUInt64BE(BigInt(length))
  const payload = Buffer.alloc(length, Buffer.from([0x81, 0x85]))
  return Buffer.concat([Buffer.from(head), extended, Buffer.alloc(masked ? 4 : 0, 0x8a), payload])
}

describe('watchFrames', () => {
  it('counts messages, not pings, pongs and closes', () => {
    const watch = watchFrames()

    assert.deepEqual(
      (['pong', 'ping', 'text', 'pong', 'binary', 'continuation', 'close'] as const).map(kind => watch(frame(kind, 5))),
      [false, false, true, false, true, true, false],
    )
  })

  it('finds a message behind pongs of the same chunk, and pongs behind messages of all lengths', () => {
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
      const watch = watchFrames()

      assert.equal(watch(Buffer.concat([frame('pong'), frame('pong', 125), frame('text', length)])), true)
      assert.equal(watch(frame('pong', 8)), false, `after a message of ${length}`)
      assert.equal(watch(frame('pong', 8, false)), false)
      assert.equal(watch(frame('binary', length, false)), true)
      assert.equal(watch(frame('ping')), false)
    }
  })

  it('counts every chunk of a long message', () => {
    const watch = watchFrames()
    const message = frame('binary', 1000)

    assert.equal(watch(message.subarray(0, 1)), true)
    assert.equal(watch(message.subarray(1, 500)), true)
    assert.equal(watch(message.subarray(500)), true)
    assert.equal(watch(frame('pong')), false)
  })

  it('says the same however the bytes are cut', () => {
    const kinds = fc.constantFrom(...(Object.keys(OPCODES) as (keyof typeof OPCODES)[]))
    const frames = fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 300 }), fc.boolean()), { maxLength: 12 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, cuts) => {
        const watch = watchFrames()
        let at = 0
        const parts = sent.map(([kind, length, masked]) => ({
          bytes: frame(kind, length, masked),
          data: OPCODES[kind] < 8,
        }))
        const owners = parts.flatMap(({ bytes, data }) => Array.from(bytes, () => data))
        const all = Buffer.concat(parts.map(({ bytes }) => bytes))
        for (let i = 0; at < all.length; i++) {
          const end = Math.min(all.length, at + cuts[i % cuts.length]!)
          assert.equal(watch(all.subarray(at, end)), owners.slice(at, end).includes(true))
          at = end
        }
      }),
    )
  })
})
