import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PageUsage } from './deps.ts'
import { pagesHub } from './testing.ts'
import { usageVars } from './usage-vars.ts'

const MB = 2 ** 20

/** As many looks, ten seconds apart, as there are amounts of memory. */
function used(megabytes: readonly number[], limits: { memoryLimitBytes?: number; cpuLimit?: number } = {}): PageUsage {
  const points = megabytes.map((amount, n) => ({
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, n * 10)),
    memoryBytes: amount * MB,
    cpu: n === 0 ? undefined : n / 10,
  }))
  return { latest: { ...points.at(-1)!, ...limits }, points }
}

describe('usage on pages', () => {
  it('is in words and charts, whose top is the limit', () => {
    const vars = usageVars(used([256, 512, 1024], { memoryLimitBytes: 2048 * MB, cpuLimit: 2 }))

    assert.partialDeepStrictEqual(vars, { memory: '1 GB of 2 GB', cpu: '10 % of 2 cores', near_limit: false })
    assert.partialDeepStrictEqual(vars.memory_chart, {
      line: '116,25.1 118,21.8 120,15',
      label: 'Memory over the last 20 s: between 256 MB and 1 GB',
    })
    assert.partialDeepStrictEqual(vars.cpu_chart, {
      label: 'Processor over the last 10 s: between 5 % of 2 cores and 10 % of 2 cores',
    })
  })

  it('has no chart of a single look, and no processor before the second', () => {
    assert.partialDeepStrictEqual(usageVars(used([256])), { memory: '256 MB', memory_chart: undefined, cpu: '' })
  })

  it('stands on the card of a running server, with a warning and the next step near the limit', async () => {
    const { servers, visitor, hub, close } = await pagesHub()
    await hub.addUser('ada')
    servers.set({ user: 'ada', server: '' }, { phase: 'ready', since: new Date(), url: '/user/ada/' })
    const page = async () => {
      const ada = visitor()
      await ada.signIn('ada')
      return (await ada.get('/hub/home')).body
    }

    assert.doesNotMatch(await page(), /Memory/)

    servers.used.set('', used([500, 500], { memoryLimitBytes: 1024 * MB }))
    const calm = await page()
    assert.match(calm, /Memory<\/span> 500 MB of 1 GB/)
    assert.match(calm, /aria-label="Memory over the last 10 s/)
    assert.doesNotMatch(calm, /nearly used up/)

    servers.used.set('', used([500, 1000], { memoryLimitBytes: 1024 * MB }))
    assert.match(await page(), /nearly used up its memory\.[\s\S]*restart a kernel/)

    const looks = used([500, 500], { memoryLimitBytes: 1024 * MB })
    const minutesBefore = (minutes: number) => new Date(looks.latest.at.getTime() - minutes * 60_000).toISOString()
    const endedBefore = (minutes: number) => ({ ...looks.latest, lastMemoryKillAt: minutesBefore(minutes) })
    servers.used.set('', { ...looks, latest: endedBefore(5) })
    const ended = await page()
    assert.match(ended, /was ended at <time datetime="2025-12-31T23:55:10\.000Z"[^>]*>23:55:10<\/time>/)
    assert.match(ended, /the limit of its memory, 1 GB\.[\s\S]*restart the kernel/)
    servers.used.set('', { ...looks, latest: endedBefore(61) })
    assert.doesNotMatch(await page(), /was ended/)

    servers.set({ user: 'ada', server: '' }, { phase: 'stopped' })
    assert.doesNotMatch(await page(), /Memory/)
    await close()
  })
})
