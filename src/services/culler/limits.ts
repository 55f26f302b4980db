/** Which limits hold for whom. */

/** Seconds; 0 for no limit. */
export interface Limits {
  readonly idleTimeout: number
  readonly maxAge: number
}

export interface LimitSettings extends Limits {
  readonly perGroup: Readonly<Record<string, LimitOverride>>
  readonly perUser: Readonly<Record<string, LimitOverride>>
}

/** What is left out stays as it is for everybody else. */
export interface LimitOverride {
  readonly idleTimeout?: number | undefined
  readonly maxAge?: number | undefined
}

export function limitsOf(
  user: { readonly name: string; readonly groups: readonly string[] },
  settings: LimitSettings,
): Limits {
  return { idleTimeout: limit('idleTimeout'), maxAge: limit('maxAge') }

  function limit(which: keyof Limits): number {
    const own = ownEntry(settings.perUser, user.name)?.[which]
    if (own !== undefined) return own
    const ofGroups = user.groups
      .map(group => ownEntry(settings.perGroup, group)?.[which])
      .filter(value => value !== undefined)
    if (ofGroups.length === 0) return settings[which]
    return ofGroups.includes(0) ? 0 : Math.max(...ofGroups)
  }
}

/** Every limit that may hold for somebody. */
export function allLimits(settings: LimitSettings): Limits[] {
  const overrides = [...Object.values(settings.perGroup), ...Object.values(settings.perUser)]
  return [settings, ...overrides.map(({ idleTimeout = 0, maxAge = 0 }) => ({ idleTimeout, maxAge }))]
}

/** Seconds; undefined when nothing is limited for anybody. */
export function shortestLimit(settings: LimitSettings): number | undefined {
  const all = allLimits(settings)
    .flatMap(({ idleTimeout, maxAge }) => [idleTimeout, maxAge])
    .filter(seconds => seconds > 0)
  return all.length === 0 ? undefined : Math.min(...all)
}

/** Names are people's: `constructor` is one, too. */
function ownEntry<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
