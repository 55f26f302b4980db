/** Values of traits as values of options. What is wrong with a value, the schema of the option says. */
import { resolve } from 'node:path'
import { findPythonObject, isRecord, PythonBytes, PythonObject } from './python-values.ts'
import { CannotConvert, type MappingContext } from './trait-rule.ts'

/** traitlets' Command: a text is a program without arguments. */
export function command(value: unknown): unknown {
  return typeof value === 'string' ? [value] : value
}

/** Relative paths start from the working folder. `~` is JupyterHub's home. */
export function path(value: unknown, { folder, env }: MappingContext): unknown {
  return typeof value === 'string' ? resolve(folder, value.replace(/^~(?=\/|$)/, env.HOME ?? '~')) : value
}

export function paths(value: unknown, context: MappingContext): unknown {
  return Array.isArray(value) ? value.map(one => path(one, context)) : value
}

/** Files of authorities; `None` for one that JupyterHub is to make. */
export function authorities(value: unknown, context: MappingContext): unknown {
  if (!isRecord(value)) return value
  const given = Object.entries(value).filter(([, files]) => files !== null)
  return Object.fromEntries(
    given.map(([name, files]) => {
      if (!isRecord(files)) return [name, files]
      const named = Object.entries(files).filter(([, file]) => file !== null && file !== '')
      return [name, Object.fromEntries(named.map(([part, file]) => [part, path(file, context)]))]
    }),
  )
}

/** Numbers as texts: a Python dict may hold them, an environment cannot. */
export function environment(value: unknown, context: Pick<MappingContext, 'warn'>): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).flatMap(([name, one]) => {
    if (one instanceof PythonObject) {
      context.warn(`sets ${name} by a ${one.kind}, so it is left out`, 'Write a text, or set it in hooks.preSpawn.')
      return []
    }
    return [[name, typeof one === 'number' || typeof one === 'boolean' ? pythonText(one) : one]]
  })
  return Object.fromEntries(kept)
}

/** `None` says that there is no limit. */
export function unlessNone(value: unknown): unknown {
  return value === null ? undefined : value
}

/** SystemdSpawner's templates name the user in capitals, and the number of the account in JupyterHub's database. */
function forUnits(text: string): string {
  if (/\{(?!USERNAME\})[A-Z]+\}/.test(text))
    throw new CannotConvert(`holds ${/\{[A-Z]+\}/.exec(text)}, which Orrery does not fill in`)
  return text.replaceAll('{USERNAME}', '{username}')
}

export function unitName(value: unknown): unknown {
  return typeof value === 'string' ? forUnits(value) : value
}

/** Paths, or properties of units. `None` for none. */
export function unitValues(value: unknown): unknown {
  if (value === null) return undefined
  if (typeof value === 'string') return forUnits(value)
  if (Array.isArray(value)) return value.map(unitValues)
  return isRecord(value)
    ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, unitValues(one)]))
    : value
}

/** As JupyterHub does: who wants plain http says so. */
export function httpsUnlessSaid(value: unknown): unknown {
  return typeof value === 'string' && !value.includes('://') ? `https://${value}` : value
}

/** Python's numbers and names of log levels. */
export function logLevel(value: unknown): unknown {
  const name = typeof value === 'string' ? value.toUpperCase() : value
  const known = LEVELS[String(name)]
  if (known === undefined)
    throw new CannotConvert('is none of Orrery’s levels', 'Set log.level to debug, info, warn or error.')
  return known
}

const LEVELS: Readonly<Record<string, string>> = {
  '0': 'debug',
  '10': 'debug',
  DEBUG: 'debug',
  '20': 'info',
  INFO: 'info',
  '30': 'warn',
  WARN: 'warn',
  WARNING: 'warn',
  '40': 'error',
  ERROR: 'error',
  '50': 'error',
  CRITICAL: 'error',
}

/** 32 bytes, or their hexadecimal digits. */
export function cookieSecret(value: unknown): unknown {
  return value instanceof PythonBytes ? value.hex : value
}

/** A key of 32 bytes; JupyterHub takes bytes, hexadecimal digits and base64. */
export function cryptKeys(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map(key => (key instanceof PythonBytes ? key.hex : key))
}

/** JupyterHub's patterns hold from the beginning of a name, Orrery's hold for the whole name. */
export function usernamePattern(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const source = value.replaceAll('(?P<', '(?<').replaceAll('\\Z', '$').replaceAll('\\A', '^')
  try {
    new RegExp(source)
  } catch {
    throw new CannotConvert('has a regular expression that JavaScript does not know', 'Set access.usernamePattern.')
  }
  return /\$$/.test(source) && !source.includes('|') ? source : `(?:${source}).*`
}

export function jsonRecord(value: unknown): unknown {
  const found = findPythonObject(value)
  if (found) throw new CannotConvert(`holds ${wordFor(found)}`)
  return value
}

/** The members of `JupyterHub.load_groups`: a list of names, or a dict with users and properties. */
export function groups(value: unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, group]) => [name, Array.isArray(group) ? { users: group } : group]),
  )
}

export function wordFor(value: PythonObject | PythonBytes): string {
  if (value instanceof PythonBytes) return 'bytes'
  if (value.kind === 'other') return `an object of the type ${value.name}`
  return `the ${value.kind} ${value.name.split('.').at(-1)}`
}

function pythonText(value: number | boolean): string {
  return value === true ? 'True' : value === false ? 'False' : String(value)
}
