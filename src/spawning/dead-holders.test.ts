import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
import { acquireLease } from '../db/leases.ts'
import { testDatabases } from '../db/testing.ts'
import { freeLeasesOfTheDead, parseHolder } from './dead-holders.ts'

for (const kind of testDatabases()) {
  describe(`leases of dead hubs on ${kind.name}`, () => {
    it('are freed when the process is gone from this machine, and no others', async () => {
      const database = await kind.open()
      const child = spawn(process.execPath, ['-e', ''])
      await once(child, 'exit')
      const own = `${hostname()}:${process.pid}:own`
      const holders = {
        dead: `${hostname()}:${child.pid}:a`,
        alive: `${hostname()}:1:b`,
        elsewhere: `not-${hostname()}:${child.pid}:c`,
        strange: 'hub-d',
        predecessor: `${hostname()}:${process.pid}:e`,
        own,
      }
      for (const [name, holder] of Object.entries(holders)) await acquireLease(database, name, holder, 60_000)

      await freeLeasesOfTheDead(database, own, silentLogger)

      const free: string[] = []
      for (const name of Object.keys(holders)) {
        if (await acquireLease(database, name, 'next', 60_000)) free.push(name)
      }
      assert.deepEqual(free, ['dead', 'predecessor'])
      await database.close()
    })
  })
}

it('reads a holder, also of a machine with colons in its name', () => {
  assert.deepEqual(parseHolder('hub.example.org:17:x'), { host: 'hub.example.org', pid: 17 })
  assert.deepEqual(parseHolder('fe80::1:17:x'), { host: 'fe80::1', pid: 17 })
  assert.equal(parseHolder('x'), undefined)
})
