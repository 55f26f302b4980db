import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServerKey } from '../../core/server-key.ts'
import type { SignIn } from '../../features/sign-in/sign-in.ts'
import { createHubMetrics } from '../../http/metrics.ts'
import { measureSignIn, measureSpawning, measureUsage } from './measure.ts'

const ADA = { user: 'ada', server: '' }

describe('what is measured', () => {
  it('has events for what was asked for and done, and reasons for all that ended', async () => {
    const recorded: string[] = []
    const record = (action: string, key: ServerKey) => void recorded.push(`${action} ${key.user}`)
    const metrics = createHubMetrics()
    const observer = measureSpawning(metrics, { record, close: async () => {} })

    observer.started?.(ADA, 'success', 1000)
    observer.started?.(ADA, 'spawn_timeout', 1000)
    observer.stopped?.(ADA, 'stopped_by_user', 10, true)
    observer.stopped?.(ADA, 'stop_failed', 10, true)
    observer.stopped?.(ADA, 'out_of_memory', 10, false)

    assert.deepEqual(recorded, ['start ada', 'stop ada'])
    const text = await metrics.registry.metrics()
    assert.match(text, /^orrery_server_ends_total\{reason="out_of_memory"\} 1$/m)
    assert.match(text, /^jupyterhub_server_spawn_duration_seconds_count\{status="failure",reason="spawn_timeout"\} 1$/m)
  })

  it('has what servers use together, and names no user', async () => {
    const metrics = createHubMetrics()
    const server = (user: string, memoryBytes: number, cpu: number | undefined) => {
      const point = { at: new Date(), memoryBytes, cpu }
      return { key: { user, server: '' }, latest: { ...point, cpuSeconds: 1, memoryLimitBytes: 1000 }, points: [point] }
    }
    measureUsage({ last: () => [server('ada', 950, 0.5), server('bob', 100, undefined)] }, metrics)

    const text = await metrics.registry.metrics()

    assert.match(text, /^orrery_servers_memory_bytes 1050$/m)
    assert.match(text, /^orrery_servers_cpu_cores 0.5$/m)
    assert.match(text, /^orrery_servers_near_memory_limit 1$/m)
    assert.doesNotMatch(text, /ada|bob/)
  })

  it('tells why sign-ins were refused', async () => {
    const metrics = createHubMetrics()
    const refused = { refused: 'wrong_credentials', message: 'Wrong.' }
    const signIn = { attempt: async () => refused } as Partial<SignIn> as SignIn // nothing else is called

    await measureSignIn(signIn, metrics).attempt({ form: {}, address: '127.0.0.1', headers: {} })

    const text = await metrics.registry.metrics()
    assert.match(text, /^orrery_login_refusals_total\{reason="wrong_credentials"\} 1$/m)
    assert.match(text, /^jupyterhub_login_duration_seconds_count\{status="failure"\} 1$/m)
  })
})
