import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { assertPortFree, listenOf } from './ports.ts'

describe('address to listen on', () => {
  it('is read from a URL', () => {
    assert.deepEqual(listenOf('http://127.0.0.1:8000'), { host: '127.0.0.1', port: 8000 })
    assert.deepEqual(listenOf('http://:8000'), { host: '', port: 8000 })
    assert.deepEqual(listenOf('http://[::1]:8000/x'), { host: '::1', port: 8000 })
    assert.deepEqual(listenOf('https://0.0.0.0'), { host: '0.0.0.0', port: 443 })
  })

  it('that is taken is told with the option that changes it', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // a TCP server has one

    await assert.rejects(assertPortFree({ host: '127.0.0.1', port }, '--port', 0), {
      code: 'port_taken',
      message: `Port ${port} on 127.0.0.1 is taken by another program.`,
      nextStep: 'Stop that program, or choose another port with --port.',
    })

    const freed = assertPortFree({ host: '127.0.0.1', port }, '--port')
    server.close()
    await freed
  })

  it('must be one of this machine', async () => {
    await assert.rejects(assertPortFree({ host: '192.0.2.1', port: 8000 }, 'bindUrl', 0), { code: 'address_unusable' })
  })
})
