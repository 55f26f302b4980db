/** `orrery install-sudo-helper`: puts the program that sudo starts where only root can change it. */
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { mainFile, packageRoot } from '../app/package-root.ts'
import { absoluteCommand } from '../app/start/absolute-command.ts'
import { launcherPermits } from '../app/start/launcher-permits.ts'
import { ensurePythonEnvironment } from '../app/start/python-environment.ts'
import { findUser } from '../app/start/system-user.ts'
import { isSudo } from '../app/sudo/command-of-helper.ts'
import { installHelper } from '../app/sudo/install-helper.ts'
import { loadConfig } from '../config/load-config.ts'
import { HubError } from '../core/errors.ts'
import { DEFAULT_HELPER, fileOfHelper } from '../launcher/helper-file.ts'
import { type ConfigFlags, configSources, withConfigFlags } from './config-flags.ts'

interface Flags extends ConfigFlags {
  readonly hubUser: string
  readonly helper?: string
}

export function installSudoHelperCommand(): Command {
  const command = new Command('install-sudo-helper')
    .description('as root: install the helper of the sudo spawner with what the config lets servers run')
    .option('--hub-user <name>', 'Linux user that the hub runs as', 'orrery')
    .option('--helper <path>', `where to put it (default: that of the config, ${DEFAULT_HELPER})`)
  return withConfigFlags(command).action(install)
}

async function install({ hubUser, helper: named, ...flags }: Flags): Promise<void> {
  process.umask(0o022)
  const { servers, spawner } = await loadConfig(configSources(flags))
  const helper = named ?? (isSudo(spawner) ? spawner.helper : DEFAULT_HELPER)
  const { uid } = findUser(hubUser) ?? noSuchUser(hubUser)
  const cmd = servers.cmd
    ? absoluteCommand(servers.cmd, { file: flags.config, path: process.env.PATH })
    : await pythonCommand(join(dirname(helper), 'python'))
  const program = { root: packageRoot, main: mainFile, node: process.execPath }
  const permits = launcherPermits({ ...servers, cmd })
  installHelper({ helper, hubUid: uid, permits, program, preload: servers.preload })
  console.log(`Installed ${helper} and ${fileOfHelper(helper)}; servers run ${cmd.join(' ')}.`)
  console.log(
    `Next: orrery sudoers --hub-user ${hubUser} --group NAME > /etc/sudoers.d/orrery; orrery doctor sudo --user NAME`,
  )
}

/** Root's, since whoever can change it can be every user. */
async function pythonCommand(folder: string): Promise<string[]> {
  const { command } = await ensurePythonEnvironment({
    folder,
    requirements: `${packageRoot}/python/requirements.txt`,
    env: process.env,
    forEverybody: true,
    signal: new AbortController().signal,
    progress: step => void process.stderr.write(`${step} ...\n`),
  })
  return [...command]
}

function noSuchUser(name: string): never {
  throw new HubError('linux_user_missing', {
    status: 404,
    message: `There is no Linux user ${name} on this machine.`,
    nextStep: `Make it: useradd --system --user-group --create-home --shell /usr/sbin/nologin ${name}`,
  })
}
