/** Classes of JupyterHub, and those of packages, whose meaning is known here. */
import { PythonClass, PythonObject } from './python-values.ts'

export interface KnownClass {
  readonly name: string
  /** Sections of a config that count for it, the most general first. */
  readonly sections: readonly string[]
  /** The plug-in of ours in its place. */
  readonly kind: string
}

const authenticator = (kind: string, ...sections: string[]): Omit<KnownClass, 'name'> => ({
  kind,
  sections: ['Authenticator', ...sections],
})

const AUTHENTICATORS: Readonly<Record<string, Omit<KnownClass, 'name'>>> = {
  'jupyterhub.auth.PAMAuthenticator': authenticator('pam', 'LocalAuthenticator', 'PAMAuthenticator'),
  'jupyterhub.auth.DummyAuthenticator': authenticator('dummy', 'DummyAuthenticator'),
  'jupyterhub.auth.NullAuthenticator': authenticator('nobody', 'NullAuthenticator'),
  'jupyterhub.authenticators.shared.SharedPasswordAuthenticator': authenticator(
    'shared-password',
    'SharedPasswordAuthenticator',
  ),
  'nativeauthenticator.nativeauthenticator.NativeAuthenticator': authenticator('own-accounts', 'NativeAuthenticator'),
  'nativeauthenticator.NativeAuthenticator': authenticator('own-accounts', 'NativeAuthenticator'),
}

const SPAWNERS: Readonly<Record<string, Omit<KnownClass, 'name'>>> = {
  'jupyterhub.spawner.LocalProcessSpawner': { kind: 'local', sections: ['Spawner', 'LocalProcessSpawner'] },
  'jupyterhub.spawner.SimpleLocalProcessSpawner': {
    kind: 'simple',
    sections: ['Spawner', 'LocalProcessSpawner', 'SimpleLocalProcessSpawner'],
  },
  'sudospawner.spawner.SudoSpawner': { kind: 'sudo', sections: ['Spawner', 'LocalProcessSpawner', 'SudoSpawner'] },
  'systemdspawner.systemdspawner.SystemdSpawner': { kind: 'systemd', sections: ['Spawner', 'SystemdSpawner'] },
  'systemdspawner.SystemdSpawner': { kind: 'systemd', sections: ['Spawner', 'SystemdSpawner'] },
}

const PROXIES: Readonly<Record<string, Omit<KnownClass, 'name'>>> = {
  'jupyterhub.proxy.ConfigurableHTTPProxy': { kind: 'proxy', sections: ['Proxy', 'ConfigurableHTTPProxy'] },
}

/** Short names, which JupyterHub's package registers as entry points. */
const SHORT_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  authenticator_class: {
    default: 'jupyterhub.auth.PAMAuthenticator',
    pam: 'jupyterhub.auth.PAMAuthenticator',
    dummy: 'jupyterhub.auth.DummyAuthenticator',
    null: 'jupyterhub.auth.NullAuthenticator',
    'shared-password': 'jupyterhub.authenticators.shared.SharedPasswordAuthenticator',
    native: 'nativeauthenticator.NativeAuthenticator',
  },
  spawner_class: {
    default: 'jupyterhub.spawner.LocalProcessSpawner',
    localprocess: 'jupyterhub.spawner.LocalProcessSpawner',
    simple: 'jupyterhub.spawner.SimpleLocalProcessSpawner',
    systemd: 'systemdspawner.SystemdSpawner',
    systemdspawner: 'systemdspawner.SystemdSpawner',
  },
  proxy_class: {
    default: 'jupyterhub.proxy.ConfigurableHTTPProxy',
    'configurable-http-proxy': 'jupyterhub.proxy.ConfigurableHTTPProxy',
  },
}

/** Where a class is defined and where else it can be imported from. */
const ALIASES: Readonly<Record<string, string>> = {
  'sudospawner.SudoSpawner': 'sudospawner.spawner.SudoSpawner',
  'jupyterhub.auth.SharedPasswordAuthenticator': 'jupyterhub.authenticators.shared.SharedPasswordAuthenticator',
  'jupyterhub.authenticators.SharedPasswordAuthenticator':
    'jupyterhub.authenticators.shared.SharedPasswordAuthenticator',
}

export type ClassTrait = 'authenticator_class' | 'spawner_class' | 'proxy_class'

const TABLES: Readonly<Record<ClassTrait, Readonly<Record<string, Omit<KnownClass, 'name'>>>>> = {
  authenticator_class: AUTHENTICATORS,
  spawner_class: SPAWNERS,
  proxy_class: PROXIES,
}

/** The class that a trait names, where it is known; `undefined` as value is JupyterHub's default. */
export function knownClass(trait: ClassTrait, value: unknown): KnownClass | undefined {
  const given = value === undefined ? 'default' : nameOf(value)
  const name = SHORT_NAMES[trait]?.[given.toLowerCase()] ?? ALIASES[given] ?? given
  const known = TABLES[trait][name]
  return known && { name, ...known }
}

/** The known class that an unknown one is built on: its sections count, although what it does is not known. */
export function knownBase(trait: ClassTrait, value: unknown): KnownClass | undefined {
  if (!(value instanceof PythonClass)) return undefined
  for (const name of value.bases ?? []) {
    const known = knownClass(trait, new PythonObject('class', name))
    if (known) return known
  }
  return undefined
}

/** Every section that JupyterHub itself reads, and that of the known package. */
export const KNOWN_SECTIONS: readonly string[] = [
  ...new Set(
    ['Application', 'JupyterHub', 'CryptKeeper', 'PeriodicMetricsCollector'].concat(
      Object.values(TABLES).flatMap(table => Object.values(table).flatMap(one => one.sections)),
    ),
  ),
]

function nameOf(value: unknown): string {
  return value instanceof PythonObject ? value.name : String(value)
}
