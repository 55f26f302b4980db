/** Puts the helper of the sudo spawner where only root can change it: a script, a file with what it may do, the program. */
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HubError } from '../../core/errors.ts'
import { preloadable } from '../../launcher/forking/preloadable.ts'
import { placesOf } from '../../launcher/forking/preloading.ts'
import { fileOfHelper, type HelperFile, modulesOfHelper } from '../../launcher/helper-file.ts'
import { DEFAULT_ARGUMENTS, DEFAULT_PATH } from '../../launcher/options.ts'
import { assertUnmovable } from '../../launcher/private-directory.ts'
import { PROTOCOL_VERSION } from '../../launcher/protocol.ts'
import { Refusal } from '../../launcher/refusal.ts'
import type { LauncherPermits } from '../start/launcher-permits.ts'
import { isReachableByAll } from '../start/reachable-by-all.ts'
import { copyForAll, type Program, type Runnable } from '../start/runnable-copy.ts'
import { modulesOfPrograms } from './modules-of-programs.ts'

export interface HelperInstallation {
  /** Absolute path that sudoers will name. */
  readonly helper: string
  readonly hubUid: number
  readonly permits: LauncherPermits
  /** What runs now; copied where others than root could change it, or not everybody can read it. */
  readonly program: Program
  readonly environment?: Readonly<Record<string, string>>
  readonly preload?: HelperFile['preload']
  readonly preloaderSeconds?: number
}

/** As root. Throws HubError `needs_root`, `folder_unsafe`, `command_unsafe`. */
export function installHelper({
  helper,
  hubUid,
  permits,
  program,
  environment,
  preload = 'auto',
  preloaderSeconds = 300,
}: HelperInstallation): void {
  if (process.getuid?.() !== 0) {
    throw new HubError('needs_root', {
      status: 400,
      message: 'Only root can install the helper.',
      nextStep: 'sudo orrery install-sudo-helper',
    })
  }
  const folder = dirname(helper)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  refuse('folder_unsafe', faultOf(folder), 'Name a folder below folders of root alone: --helper.')
  for (const command of permits.commands) {
    const nextStep = 'Install what servers run as root, outside of homes; or name another servers.cmd.'
    refuse('command_unsafe', faultOfCommand(command), nextStep)
  }
  const main = program.main.replace(/cli\/main\.(\w+)$/, 'launcher/sudo-helper.$1')
  const { root, node } = placeOfProgram({ ...program, main }, join(folder, 'app'))
  const file: HelperFile = {
    version: 1,
    protocol: PROTOCOL_VERSION,
    hubUid,
    commands: permits.commands.map(command => [...command]),
    allowedArguments: [...DEFAULT_ARGUMENTS, ...permits.arguments],
    allowedEnvironment: [...permits.environment],
    environment: { LANG: 'C.UTF-8', ...environment },
    path: DEFAULT_PATH,
    minUid: 1000,
    umask: 0o022,
    maxLogBytes: 10 * 1024 * 1024,
    preload,
    preloaderSeconds,
  }
  const modules = preload === 'off' ? {} : modulesOfPrograms(file, root)
  write(modulesOfHelper(helper), `${JSON.stringify(modules)}\n`, 0o644)
  write(fileOfHelper(helper), `${JSON.stringify(file, undefined, 2)}\n`, 0o644)
  write(helper, script([node, join(root, main), helper]), 0o755)
}

/** Nothing of the environment that sudo leaves reaches Node. */
function script(words: readonly string[]): string {
  const quoted = words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return `#!/bin/sh
# Written by: orrery install-sudo-helper. Started by the hub as the user whose server it starts; sudoers names it.
exec /usr/bin/env -i PATH=${DEFAULT_PATH} LANG=C.UTF-8 ${quoted}
`
}

function placeOfProgram(program: Program, copies: string): Runnable {
  const { root, main, node } = program
  const inPlace = [join(root, main), node].every(path => isReachableByAll(path) && faultOf(path) === undefined)
  if (inPlace) return program
  mkdirSync(copies, { recursive: true, mode: 0o755 })
  return copyForAll(program, copies)
}

/**
 * Whoever can change what servers run can be every user: the program, and the Python environment that it is of. Says who
 * can, undefined where root alone can.
 */
export function faultOfCommand(command: readonly string[]): string | undefined {
  const [program = ''] = command
  const python = preloadable(command)?.python
  const places = python === undefined ? [program] : placesOf(python, program)
  return places.filter(place => existsSync(place)).flatMap(place => faultOf(place) ?? [])[0]
}

function faultOf(path: string): string | undefined {
  try {
    assertUnmovable(path)
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

function refuse(code: string, message: string | undefined, nextStep: string): void {
  if (message !== undefined) throw new HubError(code, { status: 400, message, nextStep })
}

function write(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  chmodSync(`${path}.new`, mode)
  renameSync(`${path}.new`, path)
}
