import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import { HubError } from '../../core/errors.ts'

/**
 * The command of servers or of a service with its program as an absolute path, since the launcher runs no other: a bare name is looked
 * for on the PATH, a relative path starts at the config file. Throws HubError `config_invalid` for a name that is not there.
 */
export function absoluteCommand(
  command: readonly string[],
  { file, path, option = 'servers.cmd' }: { file: string | undefined; path: string | undefined; option?: string },
): string[] {
  const [program = '', ...args] = command
  if (isAbsolute(program)) return [...command]
  if (program.includes('/')) return [resolve(dirname(file ?? '.'), program), ...args]
  const found = (path ?? '')
    .split(delimiter)
    .filter(isAbsolute)
    .map(folder => join(folder, program))
    .find(isProgram)
  if (found) return [found, ...args]
  throw new HubError('config_invalid', {
    status: 500,
    message: `${option}: ${program} is not on the PATH${file ? ` (${file})` : ''}.`,
    nextStep:
      option === 'servers.cmd'
        ? 'Give its whole path, or leave servers.cmd out to have Orrery install it.'
        : 'Give its whole path.',
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
