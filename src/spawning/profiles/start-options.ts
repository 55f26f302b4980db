import { HubError } from '../../core/errors.ts'
import type { Json } from '../../core/runtime.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { SpawningContext } from '../context.ts'
import { chooseProfile, optionsOf } from './choose-profile.ts'

/**
 * What a start is asked with, or was the last time. With profiles, everything that is not chosen has its value too, and
 * what is not offered is refused: HubError `profile_refused`, `no_profile`.
 */
export function startOptions(
  { profiles = [], log }: Pick<SpawningContext, 'profiles' | 'log'>,
  user: UserRecord,
  { given, last }: { given?: Json | undefined; last?: Json | undefined },
): Json {
  if (profiles.length === 0) return given ?? last ?? {}
  if (given !== undefined) return optionsOf(chooseProfile(profiles, user, given))
  try {
    return optionsOf(chooseProfile(profiles, user, last ?? {}))
  } catch (error) {
    // Profiles change: what was right the last time may be gone, and nobody has asked for it now.
    if (!(error instanceof HubError) || error.code !== 'profile_refused') throw error
    log.info({ user: user.name, fields: error.fields }, 'the last choice is not offered any more, defaults taken')
    return optionsOf(chooseProfile(profiles, user, {}))
  }
}
