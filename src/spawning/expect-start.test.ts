import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { testDatabases } from '../db/testing.ts'
import { fakeSpawner } from '../plugin/fake-spawner.ts'
import type { Spawner } from '../plugin/spawner.ts'
import { testSite } from './testing.ts'

describe('a start that is expected', () => {
  it('is prepared by the spawner, once at a time, for people without a server', async () => {
    const { url, drop } = await testDatabases()[0]!.create()
    await using site = await testSite({ databaseUrl: url, drop })
    for (const name of ['ada', 'bob']) await site.addUser(name)
    const calls: string[] = []
    const done = Promise.withResolvers<void>()
    const spawner: Spawner = {
      ...(fakeSpawner(site.world) as unknown as Spawner),
      prepare: async (user, { command }) => {
        calls.push(`${user.name} ${command.join(' ')}`)
        if (calls.length === 1) await done.promise
        else throw new Error('no room')
      },
    }
    const { spawning, logged } = await site.hub({ spawner, settings: { command: ['the-server'] } })

    spawning.expectStart('nobody')
    spawning.expectStart('ada')
    await until('the spawner is asked', () => calls.length > 0)
    spawning.expectStart('ada')
    done.resolve()
    await until('it is asked again', () => {
      spawning.expectStart('ada')
      return calls.length > 1
    })

    assert.deepEqual(new Set(calls), new Set(['ada the-server']))
    await until('its failure is logged', () => logged().includes('the start is not prepared'))

    await spawning.start({ user: 'ada', server: '' }, { requestedBy: 'ada' })
    const ofAda = () => calls.filter(call => call.startsWith('ada')).length
    const before = ofAda()
    spawning.expectStart('ada')
    spawning.expectStart('bob')
    await until('the spawner is asked for who came after her', () => calls.includes('bob the-server'))
    assert.equal(ofAda(), before, 'a server runs')
  })
})
