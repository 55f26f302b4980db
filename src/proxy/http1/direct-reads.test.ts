import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { connectRaw, startRawServer } from '../testing/sockets.ts'
import { freeChunk, readDirectly, readOn, stopReadingDirectly } from './direct-reads.ts'

describe('direct reads', () => {
  it('gives every chunk past the queue of the stream, and its end', async () => {
    let received = ''
    let ended = false
    let queued = 0
    await using server = await startRawServer(socket => {
      socket.once('data', () => queued++)
      socket.on('end', () => {
        ended = true
      })
      readDirectly(socket, chunk => {
        received += chunk
        return true
      })
    })
    await using connection = connectRaw(server.port, 'one')

    await until('the first', () => received === 'one')
    connection.send('two')
    await until('the second', () => received === 'onetwo')
    connection.socket.end()

    await until('the end', () => ended)
    assert.equal(queued, 0)
  })

  it('stops when it is told to, and goes on', async () => {
    let bytes = 0
    let socket: Socket | undefined
    let more = false
    await using server = await startRawServer(accepted => {
      socket = accepted
      readDirectly(accepted, chunk => {
        bytes += chunk.length
        return more
      })
    })
    const total = 16 * 1024 * 1024
    await using connection = connectRaw(server.port)
    connection.socket.write(Buffer.alloc(total))

    await until('the first chunk', () => bytes > 0)
    const first = bytes
    await new Promise(setImmediate)
    assert.equal(bytes, first)
    more = true
    readOn(socket!)

    await until('the rest', () => bytes === total)
  })

  it('gives the socket back to its stream', async () => {
    let received = ''
    await using server = await startRawServer(socket => {
      readDirectly(socket, () => true)
      stopReadingDirectly(socket)
      socket.on('data', chunk => {
        received += chunk
      })
    })
    await using _connection = connectRaw(server.port, 'bytes')

    await until('the bytes', () => received === 'bytes')
  })

  it('frees the memory of a large chunk of its own, and leaves parts of others alone', () => {
    const own = Buffer.allocUnsafeSlow(64 * 1024)
    const part = Buffer.alloc(64 * 1024, 'x').subarray(1)

    freeChunk(own)
    freeChunk(part)

    assert.equal(own.length, 0)
    assert.equal(part[0], 'x'.charCodeAt(0))
  })
})
