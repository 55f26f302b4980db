/** What changes the settings of single servers: the groups of the user, and what the user has chosen. */
import { HubError } from '../core/errors.ts'
import { SpawnError } from '../core/reason.ts'
import type { Json, Logger } from '../core/runtime.ts'
import type { GroupOverrides, ServerDraft, ServerSetting, StartContext } from '../plugin/hooks.ts'
import { checkDraft, serverSettings } from './server-draft.ts'

/** JupyterHub's `group_overrides`: in the order of their names, each for members of any of its groups. */
export async function applyGroupOverrides(server: ServerDraft, overrides: GroupOverrides, log: Logger): Promise<void> {
  const names = Object.keys(overrides).sort()
  for (const name of names) {
    const { groups, servers } = overrides[name]! // one of its own names
    if (!groups.some(group => server.user.groups.includes(group))) continue
    log.info({ ...server.key, override: name, settings: Object.keys(servers) }, 'group override applied')
    await changeSettings(server, servers)
    checkDraft(server)
  }
}

/** Values, or functions of the server that give them. */
export async function changeSettings(server: ServerDraft, settings: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [setting, given] of Object.entries(settings)) {
    if (given === undefined) continue
    const value = typeof given === 'function' ? await given(server) : given
    change(server, checkSetting(setting), value)
  }
}

/** Which setting an option changes, by the option's name; or a function that does it. */
export type ApplyUserOptions =
  | Readonly<Record<string, string>>
  | ((server: ServerDraft, options: Json, context: StartContext) => unknown)

/**
 * JupyterHub's `apply_user_options`. Whatever goes wrong is the user's fault, or looks like it: HubError
 * `invalid_user_options`, unless the site's function throws one of its own.
 */
export async function applyUserOptions(
  server: ServerDraft,
  apply: ApplyUserOptions,
  context: StartContext,
): Promise<void> {
  try {
    if (typeof apply === 'function') await apply(server, server.options, context)
    else applyByName(server, apply, context.log)
    checkDraft(server)
  } catch (error) {
    if (error instanceof SpawnError) throw error
    if (error instanceof HubError && error.code !== 'server_settings_invalid') throw error
    context.log.warn({ ...server.key, err: error }, 'user options cannot be applied')
    throw new HubError('invalid_user_options', {
      status: 400,
      message: 'These options cannot be used.',
      nextStep: 'Choose others.',
      cause: error,
    })
  }
}

function applyByName(server: ServerDraft, settings: Readonly<Record<string, string>>, log: Logger): void {
  const { options } = server
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new TypeError('no object')
  for (const [option, value] of Object.entries(options)) {
    const setting = Object.hasOwn(settings, option) ? settings[option] : undefined
    if (setting === undefined) log.warn({ ...server.key, option }, 'option of the user has no effect')
    else change(server, checkSetting(setting), value)
  }
}

/** Objects are added to what there is, with null for what shall go; everything else replaces. */
function change(server: ServerDraft, setting: ServerSetting, value: unknown): void {
  const before: unknown = server[setting]
  const changed = isRecord(before) && isRecord(value) ? merged(before, value) : value
  Object.assign(server, { [setting]: changed })
}

function merged(before: Record<string, unknown>, more: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...before, ...more }).filter(([, value]) => value !== null))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkSetting(name: string): ServerSetting {
  const known = serverSettings.find(setting => setting === name)
  if (known) return known
  throw new HubError('server_settings_invalid', {
    status: 500,
    message: `The settings of this server cannot be used: ${name} is none.`,
    nextStep: 'Tell your administrator: a hook, an override of a group or an option of the form gave a wrong value.',
  })
}
