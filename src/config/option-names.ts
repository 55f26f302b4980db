/** All options by path and by environment name, those of authenticators and spawners included. */
import { z } from 'zod'
import { describedAuthenticator } from './authenticators.ts'
import { type DeclaredOption, optionsOf } from './option.ts'
import { configSchema } from './schema.ts'
import { describedSpawner } from './spawners.ts'

export interface NamedOption extends DeclaredOption {
  /** `servers.startTimeout` */
  readonly path: string
  /** `ORRERY_SERVERS_START_TIMEOUT` */
  readonly environmentName: string
}

/** Options of one kind of authenticator or spawner, under the path they have in a config. */
export interface KindOptions {
  readonly kind: string
  readonly options: readonly NamedOption[]
}

export const allOptions: readonly NamedOption[] = [...optionsOf(configSchema)].map(named)
export const authenticatorKinds = kindsOf(describedAuthenticator, 'authenticator')
export const spawnerKinds = kindsOf(describedSpawner, 'spawner')

const kindOptions = [...authenticatorKinds, ...spawnerKinds].flatMap(kind => kind.options)

export const optionsByEnvironmentName: ReadonlyMap<string, NamedOption> = new Map(
  allOptions.map(option => [option.environmentName, option]),
)

/** Secrets inside lists; `*` stands for any entry. */
const IN_LISTS = ['services.*.apiToken', 'authState.keys.*', 'proxy.additional.*.authToken']

const secrets = new Set([
  ...[...allOptions, ...kindOptions].filter(option => option.secret).map(option => option.path),
  ...IN_LISTS,
])

/** Entries of lists stand by their number: `services.0.apiToken`. */
export function isSecret(path: string): boolean {
  return secrets.has(path.replace(/\.\d+(?=\.|$)/g, '.*'))
}

export function secretPaths(): readonly string[] {
  return [...secrets]
}

/** The names that may stand in an object at this path; empty where any name may. */
export function namesBelow(path: readonly PropertyKey[], value: unknown): string[] {
  const [first] = path
  const kinds = path.length === 1 && first === 'authenticator' ? authenticatorKinds : spawnerKinds
  if (path.length === 1 && (first === 'authenticator' || first === 'spawner')) {
    const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined
    return ['kind', ...(kinds.find(known => known.kind === kind)?.options ?? []).map(option => option.at.at(-1)!)]
  }
  const inside = allOptions.filter(option => path.every((part, index) => option.at[index] === part))
  return [...new Set(inside.map(option => option.at[path.length]).filter(name => name !== undefined))]
}

function kindsOf(union: { readonly options: readonly z.ZodObject[] }, path: string): KindOptions[] {
  return union.options.map(schema => {
    const kind = schema.shape.kind
    if (!(kind instanceof z.ZodLiteral)) throw new TypeError('a kind is told by a literal')
    return { kind: String(kind.value), options: [...optionsOf(schema, [path])].map(named) }
  })
}

function named(option: DeclaredOption): NamedOption {
  const words = option.at.map(part => part.replace(/[A-Z]/g, capital => `_${capital}`).toUpperCase())
  return { ...option, path: option.at.join('.'), environmentName: `ORRERY_${words.join('_')}` }
}
