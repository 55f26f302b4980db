/** How one trait of JupyterHub is taken over; the tables in traits/ are made of these. */
import type { ConfigTree } from '../config-tree.ts'
import type { ResolvedSetting } from './resolve-settings.ts'

interface Rule {
  /** JupyterHub's default, a set as a list. A value equal to it is as good as none. */
  readonly default?: unknown
}

/** An option says the same. */
export interface MappedRule extends Rule {
  /** Path of the option: `servers.startTimeout`. One that Orrery does not have (yet) counts as unsupported. */
  readonly to: string
  /** Makes the option's value of the trait's. Throws `CannotConvert`. Default: as it is. */
  readonly convert?: (value: unknown, context: MappingContext) => unknown
  /** It keeps somebody out, or keeps something in: ignoring it would be unsafe. */
  readonly unsafe?: boolean
  /** What to do where it cannot be carried over. */
  readonly instead?: string
}

/** Made into options together with other traits, in code: which, in Markdown. */
export interface ComposedRule extends Rule {
  readonly composed: string
}

/** Says nothing about Orrery: why. */
export interface IgnoredRule extends Rule {
  readonly ignored: string
}

/** Has no equivalent: what to do instead. */
export interface UnsupportedRule extends Rule {
  readonly unsupported: string
  readonly unsafe?: boolean
}

/** Another name of a trait, kept for old configs. */
export interface RenamedRule extends Rule {
  readonly renamed: string
}

export type TraitRule = MappedRule | ComposedRule | IgnoredRule | UnsupportedRule | RenamedRule
/** By trait. */
export type TraitTable = Readonly<Record<string, TraitRule>>

export interface MappingContext {
  /** Working folder: relative paths of a Python config start there. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** The interpreter of the data folder, when that runs the file: what `sys.executable` is there. */
  readonly ownPython: string | undefined
  /** Absolute path of a program on the PATH or beside the interpreter. */
  findProgram(name: string): string | undefined
  /**
   * Does the hub keep this file of JupyterHub's, which no setting names? Not where there is none yet and the hub, which
   * does not run as root, could not make it: then it lies in the data folder.
   */
  keepsDefaultFile(path: string): boolean
  /** Told besides what is returned: a part of the value that is lost. */
  warn(message: string, suggestion: string): void
}

/** The value has no equivalent; the message says why, as the second half of a sentence that begins with the trait. */
export class CannotConvert extends Error {
  readonly suggestion: string | undefined
  constructor(message: string, suggestion?: string) {
    super(message)
    this.suggestion = suggestion
  }
}

export type Severity =
  /** Ignoring it would be unsafe: nothing is started. */
  | 'refused'
  /** Something will be otherwise than before. */
  | 'warning'
  /** Of no consequence. */
  | 'note'

/** One thing that was not carried over. */
export interface Finding {
  readonly severity: Severity
  /** `Spawner.pre_spawn_hook` */
  readonly setting: string
  readonly places: ResolvedSetting['places']
  /** `is a function, which Orrery does not run` */
  readonly message: string
  readonly suggestion: string
}

/** What a Python config says in terms of Orrery. */
export interface MappedConfig {
  readonly tree: ConfigTree
  /** Where an option comes from, by path: `jupyterhub_config.py, line 12`. */
  readonly origins: ReadonlyMap<string, string>
  readonly findings: readonly Finding[]
}
