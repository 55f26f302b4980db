import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { packageVersion } from '../../app/package-root.ts'
import { silentLogger, systemClock } from '../../core/runtime.ts'
import { probeRoutes } from '../../features/probe/probe-routes.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { levels, siteFor } from '../testing.ts'
import { partsCheck } from './parts.ts'

describe('the parts as the doctor sees them', () => {
  /** Of a hub of another version, with nothing beside it. */
  async function foundWithHub(version: string) {
    const cookieSecret = randomBytes(32)
    const server = createHubServer({ log: silentLogger, baseUrl: '/' })
    await server.register(probeRoutes({ cookieSecret, version, baseUrl: '/', clock: systemClock }))
    server.get('/hub/health', async () => '')
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    await using made = await siteFor({
      cookieSecret: cookieSecret.toString('hex'),
      'hub.connectUrl': url,
      'proxy.authToken': 'of-no-proxy',
      'proxy.apiUrl': 'http://127.0.0.1:1',
      bindUrl: 'http://127.0.0.1:1',
    })
    return await made.run(partsCheck).finally(() => server.close())
  }

  it('are a hub of an older version, which was not restarted after an update', async () => {
    const older = await foundWithHub('0.0.1')
    const same = await foundWithHub(packageVersion)

    assert.deepEqual(levels(older), {
      runs: 'ok',
      hub: 'ok',
      version: 'warning',
      proxy: 'failure',
      'public-port': 'failure',
    })
    assert.equal(levels(same).version, 'ok')
  })

  it('are none that run', async () => {
    await using made = await siteFor({
      'hub.bindUrl': 'http://127.0.0.1:1',
      'proxy.authToken': 'of-no-proxy',
      'proxy.apiUrl': 'http://127.0.0.1:1',
      bindUrl: 'http://127.0.0.1:1',
    })

    assert.deepEqual(levels(await made.run(partsCheck)), { runs: 'skipped' })
  })
})
