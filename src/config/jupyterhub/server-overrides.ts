/** What changes the settings of single servers: by group, by what users choose, and the form in which they choose. */
import { command, wordFor } from './converters.ts'
import type { Mapping } from './mapping.ts'
import { findPythonObject, isRecord, PythonObject } from './python-values.ts'
import type { ResolvedSetting } from './resolve-settings.ts'
import { CannotConvert, type MappingContext } from './trait-rule.ts'

/** Traits of spawners that can be other for single servers. */
const SERVER_OPTIONS: Readonly<Record<string, string>> = {
  cmd: 'cmd',
  args: 'args',
  environment: 'environment',
  default_url: 'defaultUrl',
  notebook_dir: 'notebookDir',
  mem_limit: 'memLimit',
  cpu_limit: 'cpuLimit',
  mem_guarantee: 'memGuarantee',
  cpu_guarantee: 'cpuGuarantee',
  start_timeout: 'startTimeout',
  http_timeout: 'httpTimeout',
  debug: 'debug',
  disable_user_config: 'disableUserConfig',
}

/** `{ key: { groups, spawner_override } }`. A limit that is lost is refused by whoever asks. */
export function groupOverrides(value: unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (!isRecord(entry)) return [key, entry]
      const { groups = [], spawner_override: override = {} } = entry
      return [key, { groups, servers: isRecord(override) ? overridden(override) : override }]
    }),
  )
}

function overridden(override: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(override).map(([name, value]) => {
      const option = SERVER_OPTIONS[name]
      if (option === undefined) throw new CannotConvert(`sets ${name}, which cannot be other for a group`)
      const foreign = findPythonObject(value)
      if (foreign) throw new CannotConvert(`sets ${name} by ${wordFor(foreign)}, which Orrery does not run`)
      return [option, name === 'cmd' ? command(value) : value]
    }),
  )
}

/** `{ field: trait }` */
export function applyUserOptions(value: unknown, context: Pick<MappingContext, 'warn'>): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, trait]) => {
      const option = SERVER_OPTIONS[String(trait)]
      if (option !== undefined) return [[field, option]]
      context.warn(`sets ${String(trait)}, which users cannot choose here`, 'Leave the field out of the form.')
      return []
    }),
  )
}

/** `options_form` and `options_from_form` are one option. */
export function mapOptionsForm(mapping: Mapping, own: ReadonlyMap<string, ResolvedSetting>): void {
  const [form, parse] = [own.get('options_form'), own.get('options_from_form')]
  if (!form || form.value === '') return
  const parsing = parse?.value
  if (parse && parsing instanceof PythonObject) {
    const advice = 'Write it in orrery.config.ts: servers.optionsForm.parse.'
    mapping.tell(
      'warning',
      parse,
      `is ${wordFor(parsing)}, which Orrery does not run: fields stay lists of texts`,
      advice,
    )
  }
  const value =
    typeof form.value === 'string' && parsing === 'simple' ? { html: form.value, parse: 'simple' } : form.value
  const instead = 'Write it in orrery.config.ts: servers.optionsForm.'
  mapping.apply({ ...form, value }, { to: 'servers.optionsForm', instead })
}
