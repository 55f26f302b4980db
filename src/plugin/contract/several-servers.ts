/** Servers of one user keep apart, whatever their names are. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { answers, NEVER } from './contract-server.ts'
import type { Suite } from './suite.ts'

/** As they may stand in the database of a JupyterHub before 6, or come from a hub that was taken over. */
const HOSTILE = [
  '../../etc',
  'a;id',
  '$(id)',
  '\'"`id`',
  '-rf',
  'Case',
  'case',
  'a b',
  'a%20b',
  'a_b',
  'a-b',
  'ünï/cödé',
]
const AT_ONCE = 4
const NAMES = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(name => !/\p{Cc}/u.test(name))

export function severalServers(suite: Suite): void {
  it('runs two servers of one user side by side', async () => {
    const [one, two] = [suite.server(), suite.server()]

    const [first, second] = await Promise.all([one.start(), two.start()])
    await Promise.all([answers(first, one.spec), answers(second, two.spec)])
    await one.stop()

    assert.equal(await two.poll(), undefined)
    await two.stop()
    await suite.nothingRemains()
  })

  it('tells what each uses, in the order asked for, and nothing of one that has ended', async context => {
    const { spawner } = suite.harness
    if (!spawner.usage) return context.skip('it cannot tell')
    const servers = [suite.server(), suite.server(), suite.server()]
    for (const server of servers) await answers(await server.start(), server.spec)
    await servers[1]!.stop()

    const asked = servers.map(server => ({ key: server.spec.key, state: server.state() }))
    const used = await spawner.usage(asked, NEVER)

    assert.deepEqual(
      used.map(usage => usage !== undefined),
      [true, false, true],
    )
    for (const usage of [used[0]!, used[2]!]) {
      assert.ok(usage.memoryBytes > 0 && usage.cpuSeconds >= 0, JSON.stringify(usage))
    }
    assert.deepEqual(await spawner.usage([], NEVER), [])
    await Promise.all([servers[0]!.stop(), servers[2]!.stop()])
  })

  it('keeps servers apart whose names are alike once they are escaped', async () => {
    const names = [...new Set([...HOSTILE, ...fc.sample(NAMES, 4)])]
    for (let at = 0; at < names.length; at += AT_ONCE) {
      await keepsApart(names.slice(at, at + AT_ONCE))
    }
    await suite.nothingRemains()
  })

  async function keepsApart(names: readonly string[]): Promise<void> {
    const servers = names.map(name => suite.server({ name }))
    const addresses = await Promise.all(servers.map(server => server.start()))
    for (const [at, server] of servers.entries()) {
      await answers(addresses[at]!, server.spec)
      const { JUPYTERHUB_SERVER_NAME: told } = await server.environment(addresses[at]!)
      assert.equal(told, names[at])
    }
    for (const [at, server] of servers.entries()) {
      await server.stop({ now: true, timeoutMs: 1000 })
      const others = servers.slice(at + 1)
      const polled = await Promise.all(others.map(other => other.poll()))
      assert.deepEqual(polled, Array(others.length).fill(undefined), `stopping ${JSON.stringify(names[at])}`)
    }
  }
}
