import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { type TestHub, testHub } from '../../access/testing.ts'
import type { Finding } from '../../core/finding.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { checkedInject } from '../testing.ts'
import { doctorApi } from './api.ts'
import { type Report, reportOf } from './report.ts'

const FOUND: Finding[] = [
  {
    check: 'disk',
    title: 'Disk space',
    item: 'space',
    level: 'ok',
    message: 'There is some.',
    details: { free_bytes: 1 },
  },
  { check: 'clock', title: 'Clock', item: 'synchronised', level: 'warning', message: 'It is not.', nextStep: 'Do it.' },
]

describe('the checks over the API', () => {
  let hub: TestHub
  let server: FastifyInstance
  let ask: ReturnType<typeof checkedInject>
  let runs = 0
  let finish: (() => void)[] = []
  before(async () => {
    hub = await testHub()
    const { access, log } = hub
    server = createHubServer({ log, baseUrl: '/' })
    await server.register(access.hooks)
    await server.register(
      doctorApi({
        access,
        log,
        examine() {
          runs++
          return new Promise<Report>(resolve => {
            finish.push(() => resolve(reportOf(FOUND, { version: '1.0.0', at: new Date(runs * 1000) })))
          })
        },
      }),
    )
    ask = checkedInject(server)
  })
  after(async () => {
    await server.close()
    await hub.close()
  })

  const url = '/hub/api/orrery/doctor'
  const tokenOf = async (name: string, scopes: string[]) => {
    const { token } = await hub.serviceToken(name, scopes)
    return { authorization: `token ${token}` }
  }

  it('are run once for all who ask at the same time, and remembered', async () => {
    const headers = await tokenOf('ops', ['admin-ui', 'read:hub'])
    const before = await ask({ method: 'GET', url, headers })

    const asked = [ask({ method: 'POST', url, headers }), ask({ method: 'POST', url, headers })]
    while (finish.length === 0) await new Promise(setImmediate)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate) // the second has asked by then
    for (const done of finish) done()
    const [first, second] = await Promise.all(asked)
    const later = await ask({ method: 'GET', url, headers })

    assert.equal(before.json(), null)
    assert.equal(runs, 1)
    assert.deepEqual(first!.json(), second!.json())
    assert.deepEqual(later.json(), first!.json())
    assert.partialDeepStrictEqual(first!.json(), { ok: true, counts: { ok: 1, warning: 1, failure: 0 } })
    assert.partialDeepStrictEqual(first!.json().findings[1], {
      check: 'clock',
      title: 'Clock',
      next_step: 'Do it.',
      details: {},
    })
  })

  it('are run anew by who asks later', async () => {
    const headers = await tokenOf('ops-again', ['admin-ui', 'read:hub'])
    finish = []
    const asked = ask({ method: 'POST', url, headers })
    while (finish.length === 0) await new Promise(setImmediate)
    for (const done of finish) done()

    assert.equal((await asked).statusCode, 200)
    assert.equal(runs, 2)
  })

  it('are for those who may read of the hub and see its administration', async () => {
    const reader = await tokenOf('reader', ['read:hub'])
    const admin = await tokenOf('admin-only', ['admin-ui'])

    for (const method of ['GET', 'POST'] as const) {
      assert.equal((await ask({ method, url })).statusCode, 403)
      assert.equal((await ask({ method, url, headers: reader })).statusCode, 403)
      assert.equal((await ask({ method, url, headers: admin })).statusCode, 403)
    }
    assert.equal(runs, 2)
  })
})
