import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { preparePki } from '../../pki/internal/change-pki.ts'
import { openHubTls } from '../../pki/internal/hub-tls.ts'
import { LOCAL_NAMES, testPki } from '../../pki/internal/testing.ts'
import { askServer } from '../../spawning/ask-server.ts'
import { askStatus } from './ask-status.ts'

const ada = { user: 'ada', server: '' }

/** What both ways of the hub to a server have in common: the tokens they carry are for this server alone. */
describe('a server with internal TLS', () => {
  const pki = testPki()
  let port: number
  let server: ReturnType<typeof createServer>
  let asked = 0
  before(async () => {
    await preparePki(pki)
    const own = await openHubTls(pki).forServer(ada, LOCAL_NAMES)
    server = createServer({ ...own, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      asked += 1
      const now = new Date().toISOString()
      const isStatus = request.url?.includes('api/status')
      response.end(JSON.stringify(isStatus ? { last_activity: now, kernels: 0, connections: 2 } : []))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    port = (server.address() as AddressInfo).port // listens on TCP
  })
  after(() => {
    server.closeAllConnections()
    server.close()
    pki[Symbol.dispose]()
  })

  const address = () => ({ proto: 'https', host: '127.0.0.1', port }) as const
  const signal = new AbortController().signal
  const question = { prefix: '/user/ada/', token: 'secret', timeoutMs: 10_000, signal, now: () => new Date() }

  it('is asked by a hub that shows its own certificate', async () => {
    const tls = openHubTls(pki).toServer(ada)
    assert.partialDeepStrictEqual(await askStatus({ ...question, address: address(), tls }), { connections: 2 })
    const answer = await askServer(address(), { path: '/user/ada/api', timeoutMs: 10_000, signal, tls })
    assert.equal(answer?.status, 200)
  })

  it('is not asked in the place of another one, nor by whom it does not know', async () => {
    asked = 0
    const others = [{ user: 'eve', server: '' }, { user: 'ada', server: 'gpu' }, undefined]
    for (const other of others) {
      const tls = other && openHubTls(pki).toServer(other)
      assert.deepEqual(await askStatus({ ...question, address: address(), tls }), { kind: 'silent' })
    }
    assert.equal(asked, 0)
  })
})
