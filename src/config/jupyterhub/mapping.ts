/** What is being put together while a Python config is mapped: the tree, where each value is from, what is lost. */
import { setAt, valueAt } from '../config-tree.ts'
import { allOptions, authenticatorKinds, spawnerKinds } from '../option-names.ts'
import { wordFor } from './converters.ts'
import { findPythonObject } from './python-values.ts'
import type { ResolvedSetting } from './resolve-settings.ts'
import {
  CannotConvert,
  type Finding,
  type MappedConfig,
  type MappedRule,
  type MappingContext,
  type Severity,
  type TraitRule,
} from './trait-rule.ts'

/** Where a value is from that the file does not name. */
export const JUPYTERHUBS_DEFAULT = "JupyterHub's default"

const optionPaths: ReadonlySet<string> = new Set(
  [...allOptions, ...[...authenticatorKinds, ...spawnerKinds].flatMap(kind => kind.options)].map(({ path }) => path),
)

/** Does Orrery have this option? Those of plug-ins count: `authenticator.service`. */
export function isOption(path: string): boolean {
  return optionPaths.has(path)
}

export type Surroundings = Omit<MappingContext, 'warn'>

export class Mapping implements MappedConfig {
  readonly tree = {}
  readonly origins = new Map<string, string>()
  readonly findings: Finding[] = []
  readonly surroundings: Surroundings

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings
  }

  /** Sets an option; a value without settings is JupyterHub's default, where ours is another. */
  set(path: string, value: unknown, from: readonly (ResolvedSetting | undefined)[] = []): void {
    setAt(this.tree, path.split('.'), value)
    const settings = from.filter(one => one !== undefined)
    this.origins.set(path, settings.length === 0 ? JUPYTERHUBS_DEFAULT : settings.map(originOf).join('; '))
  }

  get(path: string): unknown {
    return valueAt(this.tree, path.split('.'))
  }

  tell(severity: Severity, setting: ResolvedSetting, message: string, suggestion: string): void {
    const { places } = setting
    this.findings.push({ severity, setting: `${setting.section}.${setting.name}`, places, message, suggestion })
  }

  /** Carries over one trait by its rule, or tells why not. */
  apply(setting: ResolvedSetting, rule: Exclude<TraitRule, { renamed: string }>): void {
    if ('composed' in rule || isSameValue(setting.value, rule.default)) return
    if ('ignored' in rule) this.tell('note', setting, `has no effect: ${rule.ignored}`, 'Leave it out.')
    else if ('to' in rule) this.applyMapped(setting, rule)
    else this.tell(rule.unsafe ? 'refused' : 'warning', setting, 'has no equivalent', rule.unsupported)
  }

  private applyMapped(setting: ResolvedSetting, rule: MappedRule): void {
    const severity = rule.unsafe ? 'refused' : 'warning'
    const instead = rule.instead ?? `Write it in orrery.config.ts: ${rule.to}.`
    if (!isOption(rule.to)) {
      this.tell(severity, setting, 'has no equivalent yet', rule.instead ?? 'Leave it out.')
      return
    }
    try {
      const context: MappingContext = {
        ...this.surroundings,
        warn: (message, suggestion) => this.tell('warning', setting, message, suggestion),
      }
      const value = rule.convert ? rule.convert(setting.value, context) : setting.value
      const foreign = findPythonObject(value)
      if (foreign)
        throw new CannotConvert(
          foreign === value
            ? `is ${wordFor(foreign)}, which Orrery does not run`
            : `holds ${wordFor(foreign)}, which Orrery does not run`,
        )
      if (value !== undefined) this.set(rule.to, value, [setting])
    } catch (error) {
      if (!(error instanceof CannotConvert)) throw error
      this.tell(severity, setting, error.message, error.suggestion ?? instead)
    }
  }
}

/** `/srv/jupyterhub/jupyterhub_config.py, line 12: Spawner.start_timeout` */
function originOf({ section, name, places }: ResolvedSetting): string {
  const place = places.at(-1)
  return `${place ? `${place.file}, line ${place.line}: ` : ''}${section}.${name}`
}

function isSameValue(value: unknown, fallback: unknown): boolean {
  return fallback !== undefined && JSON.stringify(value) === JSON.stringify(fallback) && !findPythonObject(value)
}
