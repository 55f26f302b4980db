import { accessSync, constants } from 'node:fs'
import { describe, it } from 'node:test'
import { spawnerContract } from '../../plugin/spawner-contract.ts'
import { local } from '../local/local.ts'
import type { LocalState } from '../local/state.ts'
import { cannotSudo, sudoSite } from './testing.ts'

/** As the hub's user. */
function mayRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

const MISSING = '/nowhere/jupyterhub-singleuser'

if (cannotSudo) {
  describe('sudo keeps the contract of spawners', () => it('on a machine with sudo', { skip: cannotSudo }))
} else {
  spawnerContract('sudo', async () => {
    const site = await sudoSite([[MISSING]])
    site.becomeHub()
    const make = () => local({ launcher: site.launcher(), as: 'linux-user', name: 'sudo', prepares: true })
    return {
      spawner: make(),
      another: async () => make(),
      user: { id: 1, name: site.users.name('alice'), admin: false, groups: [] },
      commands: { serves: site.command, endsEarly: [...site.command, '--fail=3'], missing: [MISSING] },
      ownVariables: ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_CTYPE'],
      garbage: [{}, { pid: 0 }, { pid: 1 }, { pid: 'x' }, { pid: process.pid }, null, []],
      remains: async () => site.remains(),
      crash: async state => void (await site.asRoot(`kill -KILL ${(state as LocalState).pid}`)), // of this spawner
      crashed: { signal: 'SIGKILL' },
      readableByOthers: async path => {
        const status = await site.asRoot(`setpriv --reuid=65534 --regid=65534 --clear-groups -- cat '${path}'`)
        return status === 0 || mayRead(path)
      },
      close: site.close,
    }
  })
}
