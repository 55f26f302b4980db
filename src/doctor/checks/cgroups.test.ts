import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readMounts } from '../mounts.ts'
import { levels, siteFor } from '../testing.ts'
import { cgroupsCheck } from './cgroups.ts'

const hasGroups = readMounts().some(({ type }) => type.startsWith('cgroup'))

describe('control groups as the doctor sees them', () => {
  it('are told with their version, or it is told that there are none', async () => {
    await using made = await siteFor()

    const found = await made.run(cgroupsCheck)

    assert.equal(levels(found).version, 'ok')
    assert.match(found[0]!.message, hasGroups ? /v[12]/ : /no control groups/)
  })

  it('are of no matter where servers run elsewhere', async () => {
    await using made = await siteFor()
    const spawner = { name: 'elsewhere' } as never // nothing of it is called

    const { site } = made
    assert.deepEqual(await made.run(cgroupsCheck, { config: { ...site.config, spawner } }), [])
  })
})
