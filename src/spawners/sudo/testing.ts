/** A machine with the sudo spawner on it: users, the hub's user, the rule, the helper. Root only; all removed at the end. */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { packageRoot } from '../../app/package-root.ts'
import { isReachableByAll } from '../../app/start/reachable-by-all.ts'
import type { Program } from '../../app/start/runnable-copy.ts'
import { type HelperInstallation, installHelper } from '../../app/sudo/install-helper.ts'
import { type SudoRule, sudoersFile } from '../../app/sudo/sudoers.ts'
import { type Logger, silentLogger } from '../../core/runtime.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import { listProcesses } from '../../launcher/processes/process-info.ts'
import { systemPython } from '../../launcher/testing.ts'
import { type TestUsers, testUsers } from '../../launcher/testing-users.ts'
import { sudoLauncher } from './sudo-launcher.ts'

const SERVER = join(import.meta.dirname, '../../../test/support/tiny-server.py')

export const cannotSudo =
  process.getuid?.() !== 0 ? 'needs root' : existsSync('/usr/bin/sudo') ? false : 'needs sudo (apt install sudo)'

export interface SudoSite {
  readonly users: TestUsers
  readonly hubUser: { readonly name: string; readonly uid: number; readonly gid: number }
  readonly folder: string
  readonly helper: string
  readonly sudoersPath: string
  /** Starts the test server; add its flags. */
  readonly command: readonly string[]
  /** As the hub's user, whatever this process is. */
  launcher(log?: Logger): LauncherClient
  writeRule(people: SudoRule['people']): void
  install(changes?: Partial<HelperInstallation>): void
  /** Makes this process the hub's user for good; what takes root goes through `asRoot` from then on. */
  becomeHub(): void
  /** Runs a line of shell as root, in this process' place once it has become the hub's user. Resolves with its status. */
  asRoot(line: string): Promise<number>
  /** Processes of these people. */
  remains(): string[]
  close(): Promise<void>
}

export async function sudoSite(moreCommands: readonly (readonly string[])[] = []): Promise<SudoSite> {
  const users = testUsers()
  const name = `h${randomBytes(3).toString('hex')}-hub`
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/', name])
  const id = (flag: string, user: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }))
  const hubUser = { name, uid: id('-u', name), gid: id('-g', name) }
  const uids = (['alice', 'bob', 'carol'] as const).map(person => id('-u', users.name(person)))
  const folder = mkdtempSync(join(tmpdir(), 'orrery-sudo-'))
  chmodSync(folder, 0o755)
  copyFileSync(SERVER, join(folder, 'server.py'))
  chmodSync(join(folder, 'server.py'), 0o644)
  const command = [systemPython(), join(folder, 'server.py')]
  const helper = join(folder, 'sudo-helper')
  const program = await bundledProgram(join(folder, 'app'))
  const sudoersPath = `/etc/sudoers.d/${name}`
  const root = rootShell()

  const site: SudoSite = {
    users,
    hubUser,
    folder,
    helper,
    sudoersPath,
    command,
    launcher: (log = silentLogger) => sudoLauncher({ helper, log, ...asHubUser() }),
    writeRule(people) {
      const text = sudoersFile({ hubUser: name, people, helper })
      const draft = join(folder, 'sudoers')
      writeFileSync(draft, text, { mode: 0o440 })
      execFileSync('visudo', ['-c', '-f', draft], { stdio: 'pipe' })
      execFileSync('install', ['-m', '0440', draft, sudoersPath])
    },
    install(changes = {}) {
      installHelper({
        helper,
        hubUid: hubUser.uid,
        permits: {
          commands: [command, ...moreCommands],
          arguments: ['--(fail=\\d+|stubborn|children|print=.*)'],
          environment: [],
        },
        program,
        ...changes,
      })
    },
    becomeHub() {
      process.setgroups?.([hubUser.gid])
      process.setgid?.(hubUser.gid)
      process.setuid?.(hubUser.uid)
      process.chdir('/')
    },
    asRoot: root.run,
    remains: () =>
      listProcesses()
        .filter(info => !info.ended && uids.includes(info.uid))
        .map(info => `${info.pid} of uid ${info.uid}`),
    async close() {
      const down = join(import.meta.dirname, '../../../test/testbed/users.sh')
      const prefix = users.name('alice').replace(/alice$/, '')
      await root.run(`rm -f '${sudoersPath}'; TESTBED_USER_PREFIX='${prefix}' '${down}' down`)
      await root.run(`userdel --force '${name}'; rm -rf '${folder}'`)
      root.close()
    },
  }

  function asHubUser(): { sudo?: readonly [string, ...string[]] } {
    if (process.getuid?.() !== 0) return {}
    const { uid, gid } = hubUser
    return { sudo: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', 'sudo'] }
  }

  try {
    site.writeRule({ group: users.group })
    site.install()
    return site
  } catch (error) {
    await site.close()
    throw error
  }
}

/** The helper as it is published: from its sources it takes four times as long to start, and it is started often here. */
async function bundledProgram(root: string): Promise<Program> {
  const input = join(packageRoot, 'src/launcher/sudo-helper.ts')
  const { ownPaths } = await import(join(packageRoot, 'bin/bundle.mjs'))
  const plugins = [ownPaths(join(packageRoot, 'src'))]
  const bundle = await rolldown({ input, platform: 'node', external: [/^node:/, 'koffi'], plugins, logLevel: 'silent' })
  const file = join(root, 'dist/launcher/sudo-helper.js')
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  cpSync(join(packageRoot, 'python'), join(root, 'python'), { recursive: true })
  const node = isReachableByAll(process.execPath) ? process.execPath : join(root, 'node')
  if (node !== process.execPath) copyFileSync(process.execPath, node)
  execFileSync('chmod', ['-R', 'a+rX,go-w', root])
  return { root, main: 'dist/cli/main.js', node }
}

/** One that was started while this process was root still. */
function rootShell(): { run(line: string): Promise<number>; close(): void } {
  const child = spawn('/bin/sh', [], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdout.setEncoding('utf8')
  child.unref()
  return {
    run: line =>
      new Promise(done => {
        child.stdout.once('data', (status: string) => done(Number(status)))
        child.stdin.write(`( ${line}\n) >/dev/null 2>&1 </dev/null; echo $?\n`)
      }),
    close: () => void child.stdin.end(),
  }
}
