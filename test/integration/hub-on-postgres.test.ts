/** The whole program on PostgreSQL: sign-in, a real server, metrics, and a hub that is killed. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { testDatabases } from '../../src/db/testing.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const kind = testDatabases().find(({ name }) => name === 'PostgreSQL')
const skip = kind
  ? false
  : 'needs PostgreSQL: eval "$(test/testbed/postgres.sh up)" and export ORRERY_TEST_POSTGRES_URL'

describe('a hub on PostgreSQL', { skip }, () => {
  let orrery: OrreryProcess | undefined
  let dropDatabase: (() => Promise<void>) | undefined
  after(async () => {
    await orrery?.stop()
    await dropDatabase?.()
  })

  it('signs in, starts a server, counts both, and loses neither when it is killed', async () => {
    const { url: dbUrl, drop } = await kind!.create()
    dropDatabase = drop
    orrery = await startOrrery({
      config: {
        dbUrl,
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['pia'] },
        servers: { cmd: singleUserCommand() },
      },
    })
    const { url } = orrery
    const pia = new HttpSession(url)
    assert.equal((await pia.signIn('pia', 'any')).status, 200)
    await pia.go('/hub/spawn/pia')
    const ready = async () => new URL((await pia.go('/user/pia/lab')).at).pathname.startsWith('/user/pia/lab')
    await until('her server answers', ready, 120_000)

    const metrics = await (await pia.go('/hub/metrics')).text()
    assert.match(metrics, /jupyterhub_server_spawn_duration_seconds_count\{status="success",reason=""\} 1/)
    assert.match(metrics, /jupyterhub_login_duration_seconds_count\{status="success"\} 1/)
    assert.match(metrics, /jupyterhub_running_servers 1/)
    assert.match(metrics, /jupyterhub_proxy_add_duration_seconds_count\{status="success"\} [1-9]/)

    await orrery.killPart('hub')
    assert.match((await pia.go('/hub/home')).at, /\/hub\/home$/, 'still signed in')
    assert.equal(await ready(), true)
  })
})
