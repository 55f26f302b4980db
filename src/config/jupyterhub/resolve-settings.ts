/** Which value of a trait counts, when several classes and subconfigs set it: the rules of traitlets. */
import { LazyChange, type Place } from './python-values.ts'
import type { PythonSetting } from './run-config-file.ts'

export interface ResolvedSetting {
  /** The most special class that set it. */
  readonly section: string
  readonly name: string
  readonly value: unknown
  readonly places: readonly Place[]
}

/**
 * The settings of one object whose class has these sections, the most general first. A later section wins over an
 * earlier one, and `c.JupyterHub.Spawner` over `c.Spawner`; a change (`append`, `update`) is made to what came before,
 * at last to the trait's default.
 */
export function resolveSettings(
  settings: readonly PythonSetting[],
  sections: readonly string[],
  defaultOf: (name: string) => unknown,
): Map<string, ResolvedSetting> {
  const resolved = new Map<string, ResolvedSetting>()
  for (const path of [...sections.map(section => [section]), ...sections.map(section => ['JupyterHub', section])]) {
    for (const { name, value, places } of settings.filter(one => isSame(one.section, path))) {
      const section = path.at(-1)!
      const before = resolved.get(name)
      if (!(value instanceof LazyChange)) resolved.set(name, { section, name, value, places })
      else {
        const all = [...(before?.places ?? []), ...places]
        const changed = before === undefined ? value : value.appliedTo(before.value)
        resolved.set(name, { section, name, value: changed, places: all })
      }
    }
  }
  for (const [name, one] of resolved) {
    if (one.value instanceof LazyChange) resolved.set(name, { ...one, value: one.value.appliedTo(defaultOf(name)) })
  }
  return resolved
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index])
}
