/** What a launcher has to be told beforehand, since it lets the hub choose nothing that could be code. */
import { isAbsolute } from 'node:path'
import type { Config } from '../../config/schema.ts'

export interface LauncherPermits {
  /** Programs with their first arguments. */
  readonly commands: readonly (readonly string[])[]
  /** Further arguments, as regular expressions. */
  readonly arguments: readonly string[]
  /** Names of variables that the hub may set although the launcher guards them. */
  readonly environment: readonly string[]
}

/** What the operator has written in the config may reach servers, even where the launcher is careful by itself. */
export function launcherPermits(servers: Config['servers']): LauncherPermits {
  const overrides = staticOverrides(servers)
  return {
    commands: [...(servers.cmd ? [servers.cmd] : []), ...overrides.cmds],
    arguments: [...servers.args, ...overrides.args].map(text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')),
    environment: [...Object.keys(servers.environment), ...servers.envKeep, ...overrides.names],
  }
}

/** What overrides of groups and profiles may ask of the launcher; functions are not known before they run. */
function staticOverrides({ groupOverrides, profiles }: Config['servers']) {
  const options = profiles.flatMap(profile => Object.values(profile.options))
  const all = [
    ...(typeof groupOverrides === 'object' ? Object.values(groupOverrides) : []),
    ...profiles,
    ...options.flatMap(option => (option.type === 'choice' ? Object.values(option.choices) : [])),
    ...options.filter(option => option.type === 'switch'),
  ].map(({ servers }) => servers)
  return {
    // The launcher takes absolute paths alone, and a start with another one is refused with that reason.
    cmds: all.flatMap(({ cmd }) => (Array.isArray(cmd) && isAbsolute(cmd[0] ?? '') ? [cmd] : [])),
    args: all.flatMap(({ args }) => (Array.isArray(args) ? args : [])),
    names: [
      ...all.flatMap(({ environment }) => (typeof environment === 'object' ? Object.keys(environment) : [])),
      ...options.flatMap(option => ('variable' in option && option.variable !== undefined ? [option.variable] : [])),
    ],
  }
}
