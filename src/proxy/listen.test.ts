import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { listen } from './listen.ts'
import { startTestProxy } from './testing/running-proxy.ts'
import { startUpstream } from './testing/sockets.ts'

describe('listening', () => {
  it('names the address that is taken', async () => {
    await using taken = await startUpstream()

    await assert.rejects(startTestProxy({}, { listen: { host: '127.0.0.1', port: taken.port } }), {
      code: 'port_taken',
      message: `Another program already listens on 127.0.0.1:${taken.port}.`,
    })
  })

  it('names an address that is not this machine’s', async () => {
    await assert.rejects(listen(http.createServer(), { host: '192.0.2.1', port: 0 }, 'http'), {
      code: 'address_unusable',
      message: /192\.0\.2\.1:0: EADDRNOTAVAIL/,
    })
  })

  it('serves on Unix sockets, those that a killed process left behind too, but not on one in use', async () => {
    const socketPath = join(mkdtempSync(join(tmpdir(), 'listen-')), 'proxy.sock')
    const first = http.createServer()
    await listen(first, { socketPath }, 'http')

    await assert.rejects(listen(http.createServer(), { socketPath }, 'http'), { code: 'port_taken' })
    await new Promise(resolve => first.close(resolve))
    const bound = await listen(first, { socketPath }, 'http')

    assert.equal(bound.url, `http+unix://${encodeURIComponent(socketPath)}`)
    first.close()
  })
})
