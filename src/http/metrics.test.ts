import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
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
})
