/** What an upstream sends reaches the client as one response or as none, and never as the answer to another request. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { startTestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw, startRawServer } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'
import { readStrictly } from './strict-client.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'

/** Answers the first request of all with these bytes, every other with `fine`. */
async function startFaulty(bytes: string | ((socket: Socket) => void), { close = false } = {}) {
  let requests = 0
  return startRawServer(socket => {
    let head = ''
    socket.on('data', chunk => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      head = ''
      if (requests++ > 0) return void socket.write(`${OK}Content-Length: 4\r\n\r\nfine`)
      if (typeof bytes === 'function') return bytes(socket)
      socket.write(Buffer.from(bytes, 'latin1'))
      if (close) socket.end()
    })
  })
}

interface Outcome {
  readonly status: number
  readonly body: string
  /** False when it was broken off. */
  readonly complete: boolean
}

/** Asks once, then again over a connection of its own: the second answer must be the upstream's own. */
async function ask(
  bytes: string | ((socket: Socket) => void),
  how: { method?: string; close?: boolean } = {},
): Promise<Outcome> {
  await using upstream = await startFaulty(bytes, how)
  await using proxy = await startTestProxy({ '/': upstream.url }, { proxyTimeoutMs: 2000 })
  const method = how.method ?? 'GET'
  await using first = connectRaw(proxy.port, `${method} /first HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  const text = await first.untilClosed()
  const read = await readStrictly(text, method)
  await using second = connectRaw(proxy.port, 'GET /second HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  assert.match(await second.untilClosed(), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nfine$/)
  assert.equal(read.responses, 1, `one response, got ${JSON.stringify(text)}`)
  return read
}

const REFUSED: Record<string, string> = {
  'no HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
  'another version': 'HTTP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  ICY: 'ICY 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\nevil',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\nevil',
  'a status that is no number': 'HTTP/1.1 abc OK\r\nContent-Length: 4\r\n\r\nevil',
  'a status below 100': 'HTTP/1.1 099 OK\r\nContent-Length: 4\r\n\r\nevil',
  'two lengths': `${OK}Content-Length: 4\r\nContent-Length: 5\r\n\r\nevil!`,
  'a list of lengths': `${OK}Content-Length: 4, 5\r\n\r\nevil!`,
  'a signed length': `${OK}Content-Length: +4\r\n\r\nevil`,
  'a hexadecimal length': `${OK}Content-Length: 0x4\r\n\r\nevil`,
  'an empty length': `${OK}Content-Length:\r\n\r\nevil`,
  'a length that overflows': `${OK}Content-Length: 18446744073709551620\r\n\r\nevil`,
  'length and chunks': `${OK}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`,
  'a null byte in a value': `${OK}X-A: b\0c\r\nContent-Length: 4\r\n\r\nevil`,
  'a carriage return in a value': `${OK}X-A: b\rX-B: c\r\nContent-Length: 4\r\n\r\nevil`,
  'a space in a name': `${OK}X A: b\r\nContent-Length: 4\r\n\r\nevil`,
  'a field without a colon': `${OK}X-A\r\nContent-Length: 4\r\n\r\nevil`,
  'a switch of protocols that nobody asked for': 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'a head without end': `${OK}${'X-A: b\r\n'.repeat(200_000)}`,
  'a field of 1 MB': `${OK}X-A: ${'b'.repeat(1_000_000)}\r\n\r\n`,
}

describe('framing of responses', () => {
  for (const [name, bytes] of Object.entries(REFUSED)) {
    it(`answers 502 to 504 instead of a response with ${name}`, async () => {
      const { status, body } = await ask(bytes, { close: true })

      assert.ok(status >= 502 && status <= 504, `answered ${status}`)
      assert.doesNotMatch(body, /evil/)
    })
  }

  const either: Record<string, string> = {
    'a folded field': `${OK}X-A: b\r\n c\r\nContent-Length: 4\r\n\r\nfine`,
    'a space before a colon': `${OK}X-A : b\r\nContent-Length: 4\r\n\r\nfine`,
    'the same length twice': `${OK}Content-Length: 4\r\nContent-Length: 4\r\n\r\nfine`,
    'lines ended by line feeds': 'HTTP/1.1 200 OK\nContent-Length: 4\n\nfine',
    'an unknown transfer coding': `${OK}Transfer-Encoding: gzip\r\n\r\nfine`,
  }
  for (const [name, bytes] of Object.entries(either)) {
    it(`makes a response with ${name} one with a single meaning, or refuses it`, async () => {
      const { status, body } = await ask(bytes, { close: true })

      if (status === 200) assert.equal(body, 'fine')
      else assert.ok(status >= 502 && status <= 504, `answered ${status}`)
    })
  }

  const broken: Record<string, string> = {
    'a body shorter than its length': `${OK}Content-Length: 100\r\n\r\nshort`,
    'chunks without the last': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`,
    'a chunk cut off': `${OK}Transfer-Encoding: chunked\r\n\r\n50\r\nshort`,
    'a bad chunk size': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nxyz\r\nevil\r\n0\r\n\r\n`,
    'a chunk longer than its size': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nshortevil\r\n0\r\n\r\n`,
    'trailers cut off': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n0\r\nX-A: `,
  }
  for (const [name, bytes] of Object.entries(broken)) {
    it(`breaks off a response with ${name}`, async () => {
      const { complete, body, status } = await ask(bytes, { close: true })

      assert.ok(!complete || status >= 502, 'it looks whole')
      assert.doesNotMatch(body, /evil/)
    })
  }

  const whole: Record<string, [bytes: string, how?: { method?: string; close?: boolean }, body?: string]> = {
    'a body that ends with the connection': [`${OK}\r\nfine`, { close: true }],
    'HTTP/1.0': ['HTTP/1.0 200 OK\r\n\r\nfine', { close: true }],
    'HTTP/1.0 with a length': ['HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nfine', { close: true }],
    'no reason': ['HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nfine'],
    'an empty reason': ['HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\nfine'],
    'bytes above 127': ['HTTP/1.1 200 Gr\xfc\xdfe\r\nX-A: \xe4\r\nContent-Length: 4\r\n\r\nfine'],
    'an extension of a chunk': [`${OK}Transfer-Encoding: chunked\r\n\r\n4;a=b\r\nfine\r\n0\r\n\r\n`],
    'early answers before it': [
      `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </x>\r\n\r\n${OK}Content-Length: 4\r\n\r\nfine`,
    ],
    'another response behind it': [`${OK}Content-Length: 4\r\n\r\nfine${EVIL}`],
    'another response behind its chunks': [`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n${EVIL}`],
    'bytes behind it': [`${OK}Content-Length: 4\r\n\r\nfine\r\n\r\nrubbish`],
    'a body to HEAD': [`${OK}Content-Length: ${EVIL.length}\r\n\r\n${EVIL}`, { method: 'HEAD' }, ''],
    'a body to 204': [`HTTP/1.1 204 No Content\r\n\r\n${EVIL}`, {}, ''],
    'a body and a length to 204': [`HTTP/1.1 204 No Content\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`, {}, ''],
    'a body to 304': [`HTTP/1.1 304 Not Modified\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`, {}, ''],
    'an unsolicited refusal behind it': [
      `${OK}Content-Length: 4\r\n\r\nfineHTTP/1.1 408 T\r\nConnection: close\r\n\r\n`,
    ],
  }
  for (const [name, [bytes, how, body = 'fine']] of Object.entries(whole)) {
    it(`passes a response with ${name}, and nothing else`, async () => {
      const outcome = await ask(bytes, how)

      assert.deepEqual([outcome.complete, outcome.body], [true, body])
    })
  }

  it('does not take what an upstream says on an idle connection for the next answer', async () => {
    let kept: Socket | undefined
    await using upstream = await startRawServer(socket => {
      socket.on('data', () => {
        kept ??= socket
        socket.write(`${OK}Content-Length: 4\r\n\r\nfine`)
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const get = () => connectRaw(proxy.port, 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    await using first = get()
    await first.untilClosed()

    kept!.write(EVIL)
    await until('the bytes to be on their way', () => kept!.writableLength === 0)

    for (let i = 0; i < 3; i++) {
      await using next = get()
      assert.match(await next.untilClosed(), /fine$/)
    }
  })

  it('survives interim responses without end', async () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\n'
    let interims = 0
    const { status } = await ask(socket => {
      const more = () => {
        while (!socket.destroyed && interims < 200_000) {
          interims += 100
          if (!socket.write(interim.repeat(100))) return void socket.once('drain', more)
        }
        socket.write(`${OK}Content-Length: 4\r\n\r\nfine`)
      }
      more()
    })

    assert.ok(status === 200 || (status >= 502 && status <= 504), `answered ${status}`)
  })

  it('never makes a switch of protocols out of an upgrade that was refused', async () => {
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => socket.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'))
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const handshake = 'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    let reached = ''
    await using connection = connectRaw(proxy.port, `${handshake}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`)
    for (const socket of upstream.sockets) socket.on('data', chunk => (reached += chunk))

    const text = await connection.untilClosed()

    assert.match(text, /^HTTP\/1\.1 403 No\r\n/)
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1)
  })
})
