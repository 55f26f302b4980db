/** What users' servers run, and in which Python. */

import { packageRoot } from '../app/package-root.ts'
import { absoluteCommand } from '../app/start/absolute-command.ts'
import { findPythonEnvironment } from '../app/start/python-environment.ts'
import { commandOfHelper, isSudo } from '../app/sudo/command-of-helper.ts'
import { preloadable } from '../launcher/forking/preloadable.ts'
import type { Site } from './check.ts'

export interface ServerProgram {
  readonly command: readonly string[]
  /** Interpreter of the program; undefined when it is none of Jupyter's own scripts. */
  readonly python: string | undefined
}

/** Undefined while the environment in the data folder is not made. Throws HubError `config_invalid`. */
export function findServerProgram({ config, configFile, paths, env }: Site): ServerProgram | undefined {
  const { cmd } = config.servers
  const command = cmd
    ? absoluteCommand(cmd, { file: configFile, path: env.PATH })
    : isSudo(config.spawner)
      ? commandOfHelper(config.spawner)
      : findPythonEnvironment({ folder: paths.python, requirements: `${packageRoot}/python/requirements.txt` })?.command
  return command && { command, python: preloadable(command)?.python }
}
