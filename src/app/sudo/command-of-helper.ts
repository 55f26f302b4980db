import type { Config } from '../../config/schema.ts'
import { readHelperFile } from '../../launcher/helper-file.ts'
import { refusalAsHubError } from '../../launcher/refusal.ts'

type Described = Config['spawner']
type Sudo = Extract<Described, { kind: 'sudo' }>

/** Does the hub start servers itself, through sudo? */
export function isSudo(spawner: Described): spawner is Sudo {
  return 'kind' in spawner && spawner.kind === 'sudo'
}

/**
 * The program of servers that the helper was installed with, where the config names none; undefined for other spawners.
 * Throws HubError `sudo_helper_...`, so that a start tells what the first server would.
 */
export function commandOfHelper(spawner: Described): string[] | undefined {
  if (!isSudo(spawner)) return undefined
  try {
    return readHelperFile(spawner.helper).commands[0]
  } catch (error) {
    throw refusalAsHubError(error)
  }
}
