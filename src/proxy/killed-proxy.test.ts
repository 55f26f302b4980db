/** Acknowledged changes of routes outlive `kill -9` at any moment, during the write of a snapshot too. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type { ProxyApi } from './api-client.ts'
import { apiOf, spawnProxy } from './testing/spawn-proxy.ts'

const KILLS = 12
const WRITERS = 8
/** Of a route, so that a snapshot is due every few hundred changes and takes many writes. */
const DATA = 'x'.repeat(4000)

/** What a path may hold: undefined is no route. */
interface Known {
  acknowledged: number | undefined
  /** Sent, and not answered. */
  asked?: { version: number | undefined }
}

it('keeps every acknowledged change of its routes over kill -9 at random moments', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'killed-'))
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const known = new Map<string, Known>()
  let version = 0

  for (let kill = 0; kill < KILLS; kill++) {
    await using proxy = await spawnProxy('orrery', ['--snapshot', join(folder, 'routes.json'), '--log-level', 'warn'])
    const present = await versionsOf(apiOf(proxy))
    assert.doesNotMatch(proxy.log(), /corrupt|damaged/)
    for (const [path, { acknowledged, asked }] of known) {
      const found = present.get(path)
      assert.ok(
        found === acknowledged || (asked && found === asked.version),
        `${path} holds ${found} after kill ${kill}`,
      )
      known.set(path, { acknowledged: found })
    }
    assert.deepEqual(
      [...present.keys()].filter(path => !known.has(path)),
      [],
    )

    let left = Math.floor(random() ** 2 * 500)
    const ended = new AbortController()
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      while (!ended.signal.aborted) {
        const path = `/user/w${writer}-${Math.floor(random() * 40)}/`
        const next = random() < 0.2 ? undefined : ++version
        const { acknowledged } = known.get(path) ?? {}
        known.set(path, { acknowledged, asked: { version: next } })
        const data = { version: next, data: DATA }
        const api = apiOf(proxy)
        const sent =
          next === undefined
            ? api.deleteRoute(path, ended.signal)
            : api.addRoute(path, 'http://127.0.0.1:1', data, ended.signal)
        if (!(await sent.then(() => true).catch(() => false))) return
        known.set(path, { acknowledged: next })
        if (left-- <= 0 && !ended.signal.aborted) {
          proxy.child.kill('SIGKILL')
          ended.abort()
        }
      }
    })
    await Promise.all(writers)
  }
  assert.ok(readdirSync(folder).every(name => !name.includes('corrupt')))
  rmSync(folder, { recursive: true })
})

async function versionsOf(api: ProxyApi): Promise<Map<string, number>> {
  const routes = await api.getRoutes()
  return new Map([...routes].map(([path, { data }]) => [path, data.version as number])) // written by this test
}

/** mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
