import { launcherClient } from '../../launcher/client.ts'
import { testLauncher } from '../../launcher/testing.ts'
import { spawnerContract } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'

spawnerContract('local', async () => {
  const launcher = await testLauncher()
  return {
    spawner: local({ launcher: launcher.client, as: 'own-account' }),
    another: async () =>
      local({ launcher: launcherClient({ socketPath: launcher.options.socketPath }), as: 'own-account' }),
    user: { id: 1, name: 'Ada Lovelace', admin: false, groups: [] },
    commands: { serves: launcher.command, endsEarly: [...launcher.command, '--fail=3'] },
    ownVariables: ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'ORRERY_TEST_LAUNCHER', 'LC_CTYPE'],
    garbage: [{}, { pid: 0 }, { pid: 1 }, { pid: 'x' }, { pid: process.pid }, null, []],
    remains: launcher.remains,
    close: launcher.close,
  }
})
