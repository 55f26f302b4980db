/** Nothing of Orrery is root: the hub starts servers through sudo. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { cannotSudo, sudoSite } from '../../../src/spawners/sudo/testing.ts'
import { singleUserCommand } from '../../support/python-env.ts'
import { survivesSuite } from '../../support/survives/survives-suite.ts'
import { asProcesses } from '../../support/survives/way-to-run.ts'

survivesSuite(
  'the sudo spawner',
  async () => {
    const site = await sudoSite()
    const { helper, hubUser, users, folder, command } = site
    const whenFile = join(folder, 'when')
    const realServer = singleUserCommand()
    const tinyServer = [...command, '--when', whenFile]
    site.install({ permits: { commands: [realServer, tinyServer], arguments: [], environment: [] } })
    return {
      ...asProcesses,
      config: { spawner: { kind: 'sudo', helper } },
      uid: hubUser.uid,
      person: users.name('alice'),
      realServer,
      tinyServer,
      whenFile,
      async close() {
        const remains = site.remains()
        await site.close()
        assert.deepEqual(remains, [])
      },
    }
  },
  { skip: cannotSudo },
)
