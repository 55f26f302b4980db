/** On a machine that runs systemd; `test/integration/systemd.test.ts` runs it on one of its own. */
import { launcherClient } from '../../launcher/client.ts'
import { testLauncher } from '../../launcher/testing.ts'
import { isReadableByNobody, skipWithoutSystemd, unitsForTests } from '../../launcher/units/testing.ts'
import { spawnerContract } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'
import type { LocalState } from './state.ts'

const MISSING = '/nowhere/jupyterhub-singleuser'

if (!skipWithoutSystemd) {
  for (const as of ['own-account', 'dynamic-user'] as const) {
    spawnerContract(`systemd (${as})`, async () => {
      const units = unitsForTests()
      const launcher = await testLauncher({
        units: units.settings,
        runAs: ['own-account', 'dynamic-user'],
        moreCommands: [[MISSING]],
      })
      return {
        spawner: local({ launcher: launcher.client, as, units: true }),
        another: async () =>
          local({ launcher: launcherClient({ socketPath: launcher.options.socketPath }), as, units: true }),
        user: { id: 1, name: 'Ada Lovelace', admin: false, groups: [] },
        commands: { serves: launcher.command, endsEarly: [...launcher.command, '--fail=3'], missing: [MISSING] },
        ownVariables: ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'ORRERY_TEST_LAUNCHER', 'LC_CTYPE'],
        garbage: [{}, { pid: 0 }, { pid: 1 }, { pid: 'x' }, { pid: process.pid }, { unit_name: 'dbus' }, null, []],
        remains: async () => [...(await launcher.remains()), ...(await units.remains())],
        crash: async state => void process.kill((state as LocalState).pid, 'SIGKILL'), // of this spawner
        crashed: { signal: 'SIGKILL' },
        limitsOf: units.limitsOf,
        readableByOthers: async path => isReadableByNobody(path),
        close: launcher.close,
      }
    })
  }
}
