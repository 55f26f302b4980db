/** What a chosen profile changes of a server that is about to start. */
import type { ProfileOption } from '../../config/profiles-option.ts'
import type { ServerDraft } from '../../plugin/hooks.ts'
import { changeSettings } from '../overrides.ts'
import { checkDraft } from '../server-draft.ts'
import type { ChosenProfile, Value } from './choose-profile.ts'

/** The profile first, then its options in their order. Throws HubError `server_settings_invalid`. */
export async function applyProfile(server: ServerDraft, { profile, values }: ChosenProfile): Promise<void> {
  await changeSettings(server, profile.servers)
  for (const [name, option] of Object.entries(profile.options)) {
    await changeSettings(server, changesOf(option, values[name]!)) // there is one for each
  }
  checkDraft(server)
}

function changesOf(option: ProfileOption, value: Value): Readonly<Record<string, unknown>> {
  switch (option.type) {
    case 'choice':
      return option.choices[String(value)]!.servers // checked when it was chosen
    case 'switch':
      return value ? option.servers : {}
    case 'number':
      return settingOrVariable(option, option.setting === undefined ? String(value) : `${value}${option.unit ?? ''}`)
    case 'text':
      return settingOrVariable(option, String(value))
  }
}

function settingOrVariable(
  { setting, variable }: { setting?: string | undefined; variable?: string | undefined },
  text: string,
): Record<string, unknown> {
  return setting === undefined ? { environment: { [variable!]: text } } : { [setting]: text } // one of the two is set
}
