/** Authenticator, spawner and proxy: which of ours stands for which class, and what goes with it. */
import { type ClassTrait, type KnownClass, knownBase, knownClass } from './known-classes.ts'
import type { Mapping } from './mapping.ts'
import { PythonClass } from './python-values.ts'
import type { ResolvedSetting } from './resolve-settings.ts'
import { mapOptionsForm } from './server-overrides.ts'

export interface PlugIn {
  /** Undefined: a class that is not known, which was refused. */
  readonly known: KnownClass | undefined
  /** Sections that count for it, the most general first. */
  readonly sections: readonly string[]
  readonly setting: ResolvedSetting | undefined
}

type Settings = ReadonlyMap<string, ResolvedSetting>

/** The class that a trait names. One that is not known is refused: what it forbids would be allowed. */
export function findPlugIn(mapping: Mapping, hub: Settings, trait: ClassTrait): PlugIn {
  const setting = hub.get(trait)
  const known = knownClass(trait, setting?.value)
  if (known || setting === undefined) return { known, sections: known?.sections ?? [], setting }
  const base = knownBase(trait, setting.value)
  mapping.tell('refused', setting, messageOf(setting.value, base), ADVICE[trait])
  const own = setting.value instanceof PythonClass ? [setting.value.name, ...(setting.value.bases ?? [])] : []
  return {
    known: undefined,
    sections: [...new Set([...own.map(shortName).reverse(), ...(base?.sections ?? [])])],
    setting,
  }
}

const ADVICE: Readonly<Record<ClassTrait, string>> = {
  authenticator_class:
    "Orrery has pam, dummy, null, shared-password and NativeAuthenticator's accounts; write another in orrery.config.ts: authenticator.",
  spawner_class:
    'Orrery has local servers, and those of sudospawner and systemdspawner; write another spawner in orrery.config.ts: spawner.',
  proxy_class: 'Orrery has a proxy of its own: take this line out to use it.',
}

function messageOf(value: unknown, base: KnownClass | undefined): string {
  if (!(value instanceof PythonClass)) return 'is no class that Orrery knows'
  const fault = value.fault ? ` and cannot be imported (${value.fault})` : ''
  if (base) return `is ${shortName(value.name)}, a ${shortName(base.name)} with changes that Orrery does not know`
  return `is ${value.given ?? shortName(value.name)}, which Orrery does not have yet${fault}`
}

function shortName(name: string): string {
  return name.split('.').at(-1)!
}

export function mapAuthenticator(
  mapping: Mapping,
  { known, setting: named }: PlugIn,
  own: Settings,
  hub: Settings,
): void {
  if (!known) return
  mapping.set('authenticator', { ...asObject(mapping.get('authenticator')), kind: known.kind }, [named])
  const oldAdmins = hub.get('admin_users')
  if (oldAdmins && mapping.get('access.adminUsers') === undefined)
    mapping.set('access.adminUsers', oldAdmins.value, [oldAdmins])
  const allowAll = own.get('allow_all')
  if (allowAll?.value === true) mapping.set('access.allowAll', true, [allowAll])
  if (known.kind === 'dummy') checkDummy(mapping, own)
  if (known.kind === 'own-accounts') mapOwnAccounts(mapping, own, named)
}

/** Options of the authenticator that its own traits have set. */
function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

/** Both let everybody in where nobody is named; JupyterHub's can be told not to. */
function checkDummy(mapping: Mapping, own: Settings): void {
  const allowAll = own.get('allow_all')
  const allowed = mapping.get('access.allowedUsers')
  if (allowAll?.value !== false || (Array.isArray(allowed) && allowed.length > 0)) return
  mapping.tell(
    'refused',
    allowAll,
    'would not hold: dummy lets everybody in where access.allowedUsers is empty',
    'Name them: allowed_users.',
  )
}

function mapOwnAccounts(mapping: Mapping, own: Settings, named: ResolvedSetting | undefined): void {
  const [open, enabled, allowAll] = ['open_signup', 'enable_signup', 'allow_all'].map(name => own.get(name))
  if (enabled?.value === false) mapping.set('authenticator.signUp', 'closed', [enabled])
  else if (open?.value === true) mapping.set('authenticator.signUp', 'open', [open])
  if (allowAll?.value === true || !named) return
  mapping.tell(
    'refused',
    allowAll ?? named,
    'would let more people in: with own accounts every approved account may enter, here only those whom another rule allows',
    'Set c.Authenticator.allow_all = True where that is meant.',
  )
}

export function mapSpawner(mapping: Mapping, { known, setting: named }: PlugIn, own: Settings): void {
  if (!known) return
  mapping.set('spawner', spawnerOf(known.kind, mapping.get('spawner'), own), [named])
  const [interrupt, term] = [own.get('interrupt_timeout'), own.get('term_timeout')]
  const seconds = [interrupt?.value ?? 30, term?.value ?? 30].map(Number)
  mapping.set('servers.stopTimeout', seconds[0]! + seconds[1]!, [interrupt, term])
  mapOptionsForm(mapping, own)
  const cmd = mapping.get('servers.cmd')
  // The helper has a program of its own, as sudospawner has.
  if (known.kind === 'sudo' && cmd === undefined) return
  const [program = 'jupyterhub-singleuser', ...args] = Array.isArray(cmd) ? (cmd as string[]) : [] // checked by the schema
  if (typeof program !== 'string' || program.includes('/')) return
  // Without one Orrery makes an environment that has it.
  const found = mapping.surroundings.findProgram(program)
  if (found) mapping.set('servers.cmd', [found, ...args], [own.get('cmd')])
}

/** `given`: what its own traits have set. */
function spawnerOf(kind: string, given: unknown, own: Settings): object {
  if (kind === 'sudo') return { kind }
  if (kind !== 'systemd') return { kind: 'local', accounts: kind === 'simple' ? 'made' : 'linux' }
  return { ...asObject(given), kind, accounts: own.get('dynamic_users')?.value === true ? 'dynamic' : 'linux' }
}

export function mapProxy(mapping: Mapping, own: Settings, hub: Settings): void {
  const [ip, port] = [hub.get('proxy_api_ip'), hub.get('proxy_api_port')]
  if ((ip?.value || port?.value) && mapping.get('proxy.apiUrl') === undefined) {
    mapping.set('proxy.apiUrl', `http://${ip?.value || '127.0.0.1'}:${port?.value || 8001}`, [ip, port])
  }
  const token = hub.get('proxy_auth_token')
  if (token?.value && mapping.get('proxy.authToken') === undefined) mapping.set('proxy.authToken', token.value, [token])
  if (mapping.get('proxy.authToken') === undefined && mapping.surroundings.env.CONFIGPROXY_AUTH_TOKEN) {
    mapping.set('proxy.authToken', { env: 'CONFIGPROXY_AUTH_TOKEN' })
  }
  const command = hub.get('proxy_cmd')
  if (Array.isArray(command?.value) && command.value.length > 0 && mapping.get('proxy.command') === undefined) {
    mapping.set('proxy.command', command.value, [command])
  }
  const shouldStart = own.get('should_start')
  if (shouldStart?.value === false) mapping.set('proxy.external', true, [shouldStart])
}
