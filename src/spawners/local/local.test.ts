import { statSync } from 'node:fs'
import { launcherClient } from '../../launcher/client.ts'
import { testLauncher } from '../../launcher/testing.ts'
import { spawnerContract } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'
import type { LocalState } from './state.ts'

const MISSING = '/nowhere/jupyterhub-singleuser'

spawnerContract('local', async () => {
  const launcher = await testLauncher({ moreCommands: [[MISSING]] })
  return {
    spawner: local({ launcher: launcher.client, as: 'own-account' }),
    another: async () =>
      local({ launcher: launcherClient({ socketPath: launcher.options.socketPath }), as: 'own-account' }),
    user: { id: 1, name: 'Ada Lovelace', admin: false, groups: [] },
    commands: { serves: launcher.command, endsEarly: [...launcher.command, '--fail=3'], missing: [MISSING] },
    ownVariables: ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'ORRERY_TEST_LAUNCHER', 'LC_CTYPE'],
    garbage: [{}, { pid: 0 }, { pid: 1 }, { pid: 'x' }, { pid: process.pid }, null, []],
    remains: launcher.remains,
    crash: async state => void process.kill((state as LocalState).pid, 'SIGKILL'), // of this spawner
    crashed: { signal: 'SIGKILL' },
    readableByOthers: async path => (statSync(path).mode & 0o077) !== 0,
    close: launcher.close,
  }
})
