import { pathsIn, valueAt } from './config-tree.ts'
import type { LoadedConfig } from './load-config.ts'
import { allOptions, secretPaths } from './option-names.ts'

export interface ShownOption {
  readonly path: string
  /** Fit to be printed. */
  readonly value: unknown
  /** File, variable or flag; undefined for a default. */
  readonly origin: string | undefined
}

const MASK = '***'

/** All options in force, without what nobody shall see. */
export function shownOptions(loaded: LoadedConfig): ShownOption[] {
  const config = masked(loaded.config)
  return allOptions.map(option => ({
    path: option.path,
    value: shown(valueAt(config, option.at)),
    origin: loaded.origin(option.at),
  }))
}

function masked(config: object): object {
  const copy = structuredCloneOfData(config) as Record<string, unknown>
  for (const path of secretPaths().flatMap(text => pathsIn(copy, text.split('.')))) {
    const holder = valueAt(copy, path.slice(0, -1)) as Record<string, unknown> | undefined
    const name = path.at(-1)!
    if (holder && typeof holder === 'object' && holder[name] !== undefined) holder[name] = MASK
  }
  if (typeof copy.dbUrl === 'string') copy.dbUrl = copy.dbUrl.replace(/^([^/]*\/\/[^/@:]*):[^/]*@/, `$1:${MASK}@`)
  return copy
}

/** Programs of the site's own are named, not printed. */
function structuredCloneOfData(value: unknown): unknown {
  if (typeof value === 'function') return '[function]'
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(structuredCloneOfData)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, structuredCloneOfData(inner)]))
}

function shown(value: unknown): unknown {
  return value === undefined ? null : value
}
