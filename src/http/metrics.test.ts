import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../core/runtime.ts'
import { measureEventLoop } from './event-loop-interval.ts'
import { createHubServer } from './hub-server.ts'
import { createHubMetrics } from './metrics.ts'
import { measureRequests, metricsRoutes } from './metrics-routes.ts'

describe('hub metrics', () => {
  it('measures requests under JupyterHub names and counts when asked', async () => {
    const counts = { runningServers: async () => 2, totalUsers: async () => 7, activeUsersSince: async () => 3 }
    const metrics = createHubMetrics({ counts })
    const server = createHubServer({ log: silentLogger, baseUrl: '/' })
    measureRequests(server, metrics, '/')
    await server.register(metricsRoutes(metrics))
    server.get('/hub/api/users/:name', async () => ({}))
    await server.inject('/hub/api/users/alice')

    const text = (await server.inject('/hub/metrics')).body

    const labels = 'method="GET",handler="jupyterhub.apihandlers.users.UserAPIHandler",code="200"'
    assert.ok(text.includes(`jupyterhub_request_duration_seconds_count{${labels}} 1`))
    assert.match(text, /^jupyterhub_running_servers 2$/m)
    assert.match(text, /^jupyterhub_total_users 7$/m)
    assert.match(text, /^jupyterhub_active_users\{period="7d"\} 3$/m)
    assert.match(text, /^jupyterhub_server_spawn_duration_seconds_count\{status="failure",reason="throttled"\} 0$/m)
    assert.match(text, /^jupyterhub_csp_reports_total 0$/m)
  })
  it('takes prefix and buckets from the variables that JupyterHub reads, and tells of the process', async () => {
    const env = {
      JUPYTERHUB_METRICS_PREFIX: 'lab',
      JUPYTERHUB_SERVER_SPAWN_DURATION_SECONDS_BUCKETS: '1,20,inf',
      JUPYTERHUB_SERVER_STOP_DURATION_SECONDS_BUCKETS: 'nonsense',
    }
    const metrics = createHubMetrics({ env })
    metrics.spawnDuration.observe({ status: 'success', reason: '' }, 15)
    metrics.stopDuration.observe({ status: 'success' }, 3)

    const text = await metrics.registry.metrics()

    assert.match(text, /^lab_server_spawn_duration_seconds_bucket\{le="1",status="success",reason=""\} 0$/m)
    assert.match(text, /^lab_server_spawn_duration_seconds_bucket\{le="20",status="success",reason=""\} 1$/m)
    assert.match(text, /^lab_server_stop_seconds_bucket\{le="5",status="success"\} 1$/m)
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds']) {
      assert.match(text, new RegExp(`^${name} \\d`, 'm'))
    }
  })

  it('counts active users no more often than it is told to', async () => {
    let asked = 0
    let now = new Date('2026-01-31T12:00:00Z')
    const counts = {
      runningServers: async () => 0,
      totalUsers: async () => 0,
      activeUsersSince: async () => ++asked,
    }
    const metrics = createHubMetrics({ counts, now: () => now, activeUsersMaxAgeMs: 60_000 })
    const shown = async () =>
      /^jupyterhub_active_users\{period="24h"\} (\d+)$/m.exec(await metrics.registry.metrics())?.[1]

    assert.equal(await shown(), '1')
    now = new Date(now.getTime() + 59_000)
    assert.equal(await shown(), '1')
    now = new Date(now.getTime() + 1_000)
    assert.equal(await shown(), '4')
  })
})

describe('event loop interval', () => {
  it('tells in metric and log of a loop that was held up', async t => {
    const warnings: object[] = []
    const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) }
    const { eventLoopInterval } = createHubMetrics()
    t.after(measureEventLoop(eventLoopInterval, { resolution: 0.01, warnAbove: 0.2, log }))

    const heldUntil = performance.now() + 300
    while (performance.now() < heldUntil);
    await until('the log tells of it', () => warnings.length > 0)

    const { values } = await eventLoopInterval.get()
    const sum = values.find(({ metricName }) => metricName === 'jupyterhub_event_loop_interval_seconds_sum')
    assert.ok(sum && sum.value >= 0.2)
  })
})
