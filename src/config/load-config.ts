import { dirname, resolve } from 'node:path'
import { HubError } from '../core/errors.ts'
import { completeConfig } from './complete-config.ts'
import { type FoundFile, findConfigFile, isPythonFile, readConfigFile } from './config-file.ts'
import { type ConfigTree, copyTree, setAt, valueAt } from './config-tree.ts'
import { readEnvironment } from './environment.ts'
import { type Fault, faultsOf, pathText } from './faults.ts'
import { allOptions } from './option-names.ts'
import type { PythonProvider } from './python-config.ts'
import { type Config, configSchema } from './schema.ts'
import { scopeFaults } from './scopes-section.ts'
import { readSecrets } from './secrets.ts'

export interface ConfigSources {
  /** Value of `--config`. */
  readonly path?: string | undefined
  readonly env?: NodeJS.ProcessEnv
  /** Folder that relative paths of the command line start from. */
  readonly folder?: string
  /** Options given on the command line, by path: `{ bindUrl: { value, from: '--port' } }`. */
  readonly overrides?: Readonly<Record<string, Override>>
  /** Gives the interpreter for a jupyterhub_config.py; asked when there is one. */
  readonly python?: PythonProvider
}

export interface Override {
  readonly value: unknown
  /** The flag, for messages. */
  readonly from: string
  /** Holds only where nothing else says anything. */
  readonly weak?: boolean
}

export interface LoadedConfig {
  readonly config: Config
  /** The file it was read from. */
  readonly file: string | undefined
  /** Where a value comes from: a file, a variable, a flag; undefined for a default. */
  origin(path: readonly PropertyKey[]): string | undefined
  /** Sentences for the operator that do not stop a start. */
  readonly notices: readonly string[]
}

/** The config a program runs with. Throws HubError `config_invalid` that lists all faults. */
export async function loadConfig(sources: ConfigSources = {}): Promise<Config> {
  return (await readConfig(sources)).config
}

/** The same, with where each value comes from. */
export async function readConfig(sources: ConfigSources = {}): Promise<LoadedConfig> {
  const env = sources.env ?? process.env
  const folder = sources.folder ?? process.cwd()
  const file = findConfigFile(sources.path, env, folder)
  const content = file ? await readContent(file, { ...sources, env, folder }) : EMPTY
  const tree = copyTree(content.tree)
  const environment = readEnvironment(env)
  const origins = new Map(content.origins)
  for (const { option, value } of environment.values) {
    setAt(tree, option.at, value)
    origins.set(option.path, option.environmentName)
  }
  for (const [path, { value, from, weak }] of Object.entries(sources.overrides ?? {})) {
    if (weak && valueAt(tree, path.split('.')) !== undefined) continue
    setAt(tree, path.split('.'), value)
    origins.set(path, from)
  }
  for (const name of ['authenticator', 'spawner']) {
    // `ORRERY_AUTHENTICATOR=pam`: the name alone is enough where all options have defaults.
    if (typeof tree[name] === 'string') tree[name] = { kind: tree[name] }
  }
  const origin = originIn(tree, origins, file?.path)

  const secretFaults = readSecrets(tree, file ? dirname(file.path) : folder, env)
  const checked = configSchema.safeParse(tree, { reportInput: true })
  const faults: Fault[] = [
    ...secretFaults,
    ...scopeFaults(tree),
    ...(checked.success ? [] : faultsOf(checked.error.issues, tree)),
  ]
  if (!checked.success || faults.length > 0) throw invalidConfig(withoutRepeats(faults), origin, file)
  const placed = absolutePaths(checked.data, file, origins, folder)
  const notices = [...content.notices, ...environment.notices]
  return { config: completeConfig(placed, env), file: file?.path, origin, notices }
}

interface FileContent {
  readonly tree: ConfigTree
  /** Places inside the file, where they are known. */
  readonly origins: ReadonlyMap<string, string>
  readonly notices: readonly string[]
}

const EMPTY: FileContent = { tree: {}, origins: new Map(), notices: [] }

async function readContent(
  file: FoundFile,
  { python, env, folder }: ConfigSources & { env: NodeJS.ProcessEnv; folder: string },
): Promise<FileContent> {
  if (!isPythonFile(file.path)) return { ...EMPTY, tree: await readConfigFile(file) }
  // The tables of traits are for those who have such a file.
  const { readPythonConfig } = await import('./python-config.ts')
  return readPythonConfig(file.path, { python, env, folder })
}

function originIn(tree: ConfigTree, origins: ReadonlyMap<string, string>, file: string | undefined) {
  return (path: readonly PropertyKey[]): string | undefined => {
    for (let length = path.length; length > 0; length--) {
      const found = origins.get(path.slice(0, length).map(String).join('.'))
      if (found) return found
    }
    return valueAt(tree, path) === undefined ? undefined : file
  }
}

function invalidConfig(
  faults: readonly Fault[],
  origin: LoadedConfig['origin'],
  file: FoundFile | undefined,
): HubError {
  const lines = faults.map(({ path, message }) => {
    const place = origin(path) ?? origin(path.slice(0, -1)) ?? file?.path
    return `${pathText(path)}: ${message}${place ? ` (${place})` : ''}`
  })
  return new HubError('config_invalid', {
    status: 500,
    message: `The configuration has ${lines.length === 1 ? 'a fault' : `${lines.length} faults`}:\n  ${lines.join('\n  ')}`,
    nextStep: 'All options: orrery config docs.',
    detail: { faults: lines },
  })
}

/** A secret that could not be read is told once, not also as a value of the wrong type. */
function withoutRepeats(faults: readonly Fault[]): Fault[] {
  const told = new Set<string>()
  return faults.filter(({ path }) => {
    const text = pathText(path)
    return !told.has(text) && told.add(text)
  })
}

/** Paths in a file are relative to it, those of flags and variables to the working folder. */
function absolutePaths<Checked extends object>(
  config: Checked,
  file: FoundFile | undefined,
  origins: ReadonlyMap<string, string>,
  folder: string,
): Checked {
  const placed = copyTree(config as ConfigTree)
  for (const option of allOptions.filter(one => one.isPath)) {
    const value = valueAt(placed, option.at)
    const base = file && !origins.has(option.path) ? dirname(file.path) : folder
    if (typeof value === 'string') setAt(placed, option.at, resolve(base, value))
    if (Array.isArray(value))
      setAt(
        placed,
        option.at,
        value.map(one => resolve(base, String(one))),
      )
  }
  return placed as Checked
}
