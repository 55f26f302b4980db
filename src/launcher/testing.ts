/** A launcher of a test's own: own socket, folders, Linux users and processes, all removed at the end. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeServerGroups } from '../../test/support/server-groups.ts'
import { silentLogger } from '../core/runtime.ts'
import { type LauncherClient, launcherClient } from './client.ts'
import { isRoot, type LauncherOptions, withDefaults } from './options.ts'
import { findEnvironment, listProcesses } from './processes/process-info.ts'
import { type Launcher, startLauncher } from './server.ts'

export interface TestLauncher {
  readonly options: LauncherOptions
  readonly client: LauncherClient
  /** Reachable by every user. */
  readonly folder: string
  /** Starts the test server; add its flags. */
  readonly command: readonly string[]
  /** Ends the launcher and starts another on the same folders. */
  restart(overrides?: Partial<LauncherOptions>, between?: () => void): Promise<void>
  /** Command lines of processes that servers of this launcher have left. */
  remains(): Promise<string[]>
  close(): Promise<void>
}

const SERVER = join(import.meta.dirname, '../../test/support/tiny-server.py')

/** `moreCommands`: programs that may be started besides the test server. */
export async function testLauncher({
  moreCommands = [],
  ...overrides
}: Partial<LauncherOptions> & { moreCommands?: readonly (readonly string[])[] } = {}): Promise<TestLauncher> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-launcher-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'homes'), { mode: 0o755 })
  copyFileSync(SERVER, join(folder, 'server.py'))
  chmodSync(join(folder, 'server.py'), 0o644)
  const accountPrefix = `o${randomBytes(3).toString('hex')}-`
  const command = [systemPython(), join(folder, 'server.py')]
  const options = withDefaults({
    socketPath: join(folder, 'launcher.sock'),
    stateDir: join(folder, 'state'),
    homesDir: join(folder, 'homes'),
    tlsDir: join(folder, 'tls'),
    accountPrefix,
    commands: [command, ...moreCommands],
    allowedArguments: ['--(fail=\\d+|stubborn|children|print=.*)'],
    environment: { LANG: 'C.UTF-8', ORRERY_TEST_LAUNCHER: folder },
    log: silentLogger,
    ...overrides,
  })
  let launcher: Launcher = await startLauncher(options)
  const client = launcherClient({ socketPath: options.socketPath })

  return {
    options,
    client,
    folder,
    command,
    async restart(changed = {}, between = () => {}) {
      await launcher.close()
      between()
      launcher = await startLauncher({ ...options, ...changed })
    },
    remains: () => remainsOf(folder).then(found => found.map(({ text }) => text)),
    async close() {
      client.close()
      await launcher.close()
      for (const { pid } of await remainsOf(folder)) process.kill(pid, 'SIGKILL')
      await removeServerGroups(options.stateDir)
      if (isRoot()) removeUsers(join(options.stateDir, 'accounts'))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One that other users may run: not a version manager's in somebody's home. */
export function systemPython(): string {
  const known = ['/usr/bin/python3', '/usr/local/bin/python3'].find(path => existsSync(path))
  return known ?? execFileSync('sh', ['-c', 'command -v python3'], { encoding: 'utf8' }).trim()
}

async function remainsOf(folder: string): Promise<{ pid: number; text: string }[]> {
  const found: { pid: number; text: string }[] = []
  for (const info of listProcesses()) {
    if (info.ended || info.pid === process.pid) continue
    if ((await findEnvironment(info.pid))?.get('ORRERY_TEST_LAUNCHER') !== folder) continue
    found.push({ pid: info.pid, text: `${info.pid} of uid ${info.uid}` })
  }
  return found
}

function removeUsers(accountsFolder: string): void {
  for (const file of readdirSync(accountsFolder)) {
    if (!file.endsWith('.json')) continue
    try {
      execFileSync('userdel', ['--remove', '--force', file.slice(0, -'.json'.length)], { stdio: 'ignore' })
    } catch {
      // Status 12: the mail spool was not there; or the user was gone.
    }
  }
}
