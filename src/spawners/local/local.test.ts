import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../../core/runtime.ts'
import { launcherClient } from '../../launcher/client.ts'
import { usageOfGroup } from '../../launcher/groups/group.ts'
import type { ServerRecord } from '../../launcher/server-records.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { ServerSpec } from '../../plugin/spawner.ts'
import { spawnerContract } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'
import type { LocalState } from './state.ts'

const MISSING = '/nowhere/jupyterhub-singleuser'

/** From the files of the kernel, where there are any. */
async function limitsOf({ options }: TestLauncher, state: Json): Promise<ServerSpec['limits']> {
  const { pid } = state as LocalState // of this spawner
  const folder = join(options.stateDir, 'records')
  const records = readdirSync(folder).map(file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as ServerRecord)
  const group = records.find(record => record.pid === pid)?.group
  const { memoryLimitBytes: memoryBytes, cpuLimit: cpus } = (group && usageOfGroup(group)) ?? {}
  return { ...(memoryBytes !== undefined && { memoryBytes }), ...(cpus !== undefined && { cpus }) }
}

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
    limitsOf: state => limitsOf(launcher, state),
    close: launcher.close,
  }
})
