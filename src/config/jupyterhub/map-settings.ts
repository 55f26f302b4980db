/** A Python config in terms of Orrery: every setting is carried over, or it is told what becomes of it. */
import { join, resolve } from 'node:path'
import { suggestionFor } from '../suggestion.ts'
import { mapAddresses } from './addresses.ts'
import { path as absolutePath } from './converters.ts'
import { KNOWN_SECTIONS } from './known-classes.ts'
import { Mapping, type Surroundings } from './mapping.ts'
import { findPlugIn, mapAuthenticator, mapProxy, mapSpawner } from './plug-ins.ts'
import { isRecord } from './python-values.ts'
import { type ResolvedSetting, resolveSettings } from './resolve-settings.ts'
import type { PythonSetting } from './run-config-file.ts'
import { addServiceTokens } from './services.ts'
import type { MappedConfig, TraitTable } from './trait-rule.ts'
import { cookieTraits, tornadoTraits } from './traits/hub.ts'
import { findRule, traitNames } from './traits/tables.ts'

type Settings = Map<string, ResolvedSetting>

const HUB = ['Application', 'JupyterHub']
const SINGLE_PARTS = ['CryptKeeper', 'PeriodicMetricsCollector']

export function mapSettings(settings: readonly PythonSetting[], surroundings: Surroundings): MappedConfig {
  const mapping = new Mapping(surroundings)
  const read = (sections: readonly string[]) =>
    renamed(
      resolveSettings(settings, sections, name => findRule(sections, name)?.default),
      sections,
    )

  const hub = read(HUB)
  const authenticator = findPlugIn(mapping, hub, 'authenticator_class')
  const spawner = findPlugIn(mapping, hub, 'spawner_class')
  const proxy = findPlugIn(mapping, hub, 'proxy_class')

  mapAddresses(mapping, hub)
  mapFiles(mapping, hub)
  applyRules(mapping, hub, HUB)
  const parts = [authenticator, spawner, proxy].map(plugIn => {
    const own = read(plugIn.sections)
    applyRules(mapping, own, plugIn.sections, plugIn.known === undefined)
    return own
  })
  mapAuthenticator(mapping, authenticator, parts[0]!, hub)
  mapSpawner(mapping, spawner, parts[1]!)
  mapProxy(mapping, parts[2]!, hub)
  for (const part of SINGLE_PARTS) applyRules(mapping, read([part]), [part])
  mapRest(mapping, hub)

  const used = new Set([...HUB, ...SINGLE_PARTS, ...[authenticator, spawner, proxy].flatMap(one => one.sections)])
  for (const setting of settings) tellUnused(mapping, setting, used)
  return mapping
}

/** Old names count where the new one is not set. */
function renamed(settings: Settings, sections: readonly string[]): Settings {
  for (const [name, setting] of settings) {
    const rule = findRule(sections, name)
    if (rule && 'renamed' in rule && !settings.has(rule.renamed)) {
      settings.set(rule.renamed, { ...setting, name: rule.renamed })
    }
  }
  return settings
}

function applyRules(mapping: Mapping, settings: Settings, sections: readonly string[], ofUnknownClass = false): void {
  for (const [name, setting] of settings) {
    const rule = findRule(sections, name)
    if (rule && !('renamed' in rule)) mapping.apply(setting, rule)
    if (rule || ofUnknownClass) continue
    const meant = suggestionFor(name, traitNames(sections))
    mapping.tell('warning', setting, 'is no option of JupyterHub 6', meant ? `Did you mean ${meant}?` : 'Leave it out.')
  }
}

/** Files, which JupyterHub looks for in the working folder. */
function mapFiles(mapping: Mapping, hub: Settings): void {
  const { surroundings } = mapping
  const { folder, env } = surroundings
  const dbUrl = hub.get('db_url')
  if (dbUrl || surroundings.keepsDefaultFile(join(folder, DATABASE))) {
    mapping.set('dbUrl', absoluteDbUrl(String(dbUrl?.value ?? DATABASE), surroundings), [dbUrl])
  }
  const file = hub.get('cookie_secret_file')
  if (hub.has('cookie_secret')) return
  // Started as root, the hub is not given root's variables.
  if (env.JPY_COOKIE_SECRET) mapping.set('cookieSecret', { env: 'JPY_COOKIE_SECRET' })
  else if (file || surroundings.keepsDefaultFile(join(folder, SECRET))) {
    const context = { ...surroundings, warn: () => {} }
    mapping.set('cookieSecretFile', absolutePath(file?.value ?? SECRET, context), [file])
  }
}

const DATABASE = 'jupyterhub.sqlite'
const SECRET = 'jupyterhub_cookie_secret'

function absoluteDbUrl(text: string, { folder, env }: Surroundings): string {
  const url = text.includes('://') ? text : `sqlite:///${text}`
  const file = /^sqlite:\/\/\/([^?]+)(.*)$/.exec(url)
  if (!file || file[1] === ':memory:') return url
  return `sqlite:///${resolve(folder, file[1]!.replace(/^~(?=\/)/, env.HOME ?? '~'))}${file[2]}`
}

function mapRest(mapping: Mapping, hub: Settings): void {
  // Without them JupyterHub removes what an earlier config made.
  for (const name of ['services', 'roles']) if (mapping.get(name) === undefined) mapping.set(name, [])
  // As above: the hub itself is not given root's variables.
  if (mapping.get('authState.enabled') === true && mapping.get('authState.keys') === undefined) {
    const variable = 'JUPYTERHUB_CRYPT_KEY'
    if (mapping.surroundings.env[variable]) mapping.set('authState.keys', { env: variable })
  }
  const cleanup = hub.get('cleanup_servers')
  if (cleanup?.value === true) {
    mapping.tell(
      'warning',
      cleanup,
      'holds when it is asked for alone: servers outlive a stop',
      'Start with --stop-servers.',
    )
  }
  const tokens = hub.get('service_tokens')
  const services = mapping.get('services')
  if (tokens && isRecord(tokens.value) && Array.isArray(services)) {
    const left = addServiceTokens(services.filter(isRecord), tokens.value)
    if (left.length > 0) {
      mapping.tell(
        'warning',
        tokens,
        `names services that are not in services: ${left.join(', ')}`,
        'Add them to services.',
      )
    }
  }
  const tornado = hub.get('tornado_settings')
  if (tornado && isRecord(tornado.value)) mapTornado(mapping, tornado, tornado.value)
}

function mapTornado(mapping: Mapping, { places }: ResolvedSetting, settings: Record<string, unknown>): void {
  const { cookie_options: cookies, ...rest } = settings
  applyEntries(mapping, rest, tornadoTraits, { name: 'tornado_settings', places })
  if (!isRecord(cookies)) return
  const lower = Object.fromEntries(Object.entries(cookies).map(([name, value]) => [name.toLowerCase(), value]))
  applyEntries(mapping, lower, cookieTraits, { name: 'tornado_settings["cookie_options"]', places })
}

/** Entries of a dict that are settings of their own. */
function applyEntries(
  mapping: Mapping,
  settings: Record<string, unknown>,
  rules: TraitTable,
  at: Pick<ResolvedSetting, 'name' | 'places'>,
): void {
  for (const [key, value] of Object.entries(settings)) {
    const setting = { section: 'JupyterHub', name: `${at.name}[${JSON.stringify(key)}]`, value, places: at.places }
    const rule = rules[key]
    if (rule && !('renamed' in rule)) mapping.apply(setting, rule)
    else mapping.tell('warning', setting, 'has no equivalent', 'Leave it out.')
  }
}

/** Settings of classes that take no part, such as a spawner that is not the one in use. */
function tellUnused(
  mapping: Mapping,
  { section, name, value, places }: PythonSetting,
  used: ReadonlySet<string>,
): void {
  const [last] = section.slice(-1)
  const isNested = section.length > 1 && section[0] !== 'JupyterHub'
  if (last === undefined || (used.has(last) && !isNested)) return
  const setting = { section: section.join('.'), name, value, places }
  const why = KNOWN_SECTIONS.includes(last) ? `${last} is not in use` : `nothing of JupyterHub's is named ${last}`
  mapping.tell('note', setting, `has no effect: ${why}`, 'Leave it out.')
}
