/** Bodies of many sizes, in many pieces, many at a time, past readers of different speed: every byte arrives where it belongs. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startTestProxy } from '../../../src/proxy/testing/running-proxy.ts'
import { connectRaw, startRawServer, startUpstream } from '../../../src/proxy/testing/sockets.ts'
import { until } from '../../support/until.ts'

const SIZES = [0, 1, 100, 4095, 16_383, 16_385, 65_535, 65_537, 130_000, 300_000, 1_000_003]
const PIECES = [1000, 16_384, 65_536, 1_000_000]

/** Different for every seed, and at every place. */
function bytesOf(seed: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

async function writeInPieces(
  to: http.ServerResponse | http.ClientRequest,
  bytes: Buffer,
  piece: number,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += piece) {
    if (!to.write(bytes.subarray(at, at + piece))) await new Promise(resolve => to.once('drain', resolve))
    else await nextTurn()
  }
  to.end()
}

async function readAll(from: http.IncomingMessage, slow: boolean): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of from as AsyncIterable<Buffer>) {
    chunks.push(Buffer.from(chunk))
    if (slow) await nextTurn()
  }
  return Buffer.concat(chunks)
}

describe('bodies', () => {
  it('arrive whole both ways, however they are cut up and whoever is slow', { timeout: 60_000 }, async () => {
    await using upstream = await startUpstream(async (req, res) => {
      const [seed, length, piece, chunked] = req.url!.split('/').slice(2).map(Number) as [
        number,
        number,
        number,
        number,
      ]
      const received = await readAll(req, seed % 3 === 0)
      res.setHeader('X-Received', digest(received))
      if (!chunked) res.setHeader('Content-Length', length)
      await writeInPieces(res, bytesOf(seed, length), piece)
    })
    await using proxy = await startTestProxy({ '/': upstream.url })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 30 })

    const exchange = async (seed: number) => {
      const length = SIZES[seed % SIZES.length]!
      const [up, down] = [bytesOf(seed + 1, SIZES[(seed * 7) % SIZES.length]!), bytesOf(seed, length)]
      const chunked = seed % 2
      const piece = PIECES[seed % PIECES.length]!
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        const request = http.request(
          { port: proxy.port, method: 'PUT', path: `/b/${seed}/${length}/${piece}/${chunked}`, agent },
          resolve,
        )
        request.on('error', reject)
        if (!chunked) request.setHeader('Content-Length', up.length)
        void writeInPieces(request, up, PIECES[(seed + 1) % PIECES.length]!)
      })
      const received = await readAll(response, seed % 5 === 0)
      assert.deepEqual(
        [response.headers['x-received'], digest(received)],
        [digest(up), digest(down)],
        `exchange ${seed}`,
      )
    }

    await Promise.all(Array.from({ length: 160 }, (_, seed) => exchange(seed)))
    agent.destroy()
  })

  it('of upgraded connections arrive whole both ways, past slow readers', { timeout: 60_000 }, async () => {
    const handshake = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n'
    const switching = 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n'
    await using upstream = await startRawServer(socket => {
      socket.once('data', () => {
        socket.write(switching)
        socket.pipe(socket) // waits when nobody reads
      })
    })
    await using proxy = await startTestProxy({ '/': upstream.url })

    const talk = async (seed: number) => {
      const sent = bytesOf(seed, SIZES[seed % SIZES.length]! + 1)
      await using connection = connectRaw(proxy.port, handshake)
      await connection.until('\r\n\r\n')
      const { socket } = connection
      const received: Buffer[] = []
      let count = 0
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk)
        count += chunk.length
        if (seed % 3 !== 0) return
        socket.pause()
        setTimeout(() => socket.resume(), 1)
      })
      const piece = PIECES[seed % PIECES.length]!
      for (let at = 0; at < sent.length; at += piece) {
        socket.write(sent.subarray(at, at + piece))
        await nextTurn()
      }
      await until('all to come back', () => count >= sent.length || connection.closed)
      assert.equal(digest(Buffer.concat(received)), digest(sent), `connection ${seed}`)
    }

    await Promise.all(Array.from({ length: 60 }, (_, seed) => talk(seed)))
  })
})
