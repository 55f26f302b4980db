/** What a check of `orrery doctor` is, and what it is given to look at. */
import type { DataPaths, Owner } from '../app/data-folder.ts'
import type { Config } from '../config/schema.ts'
import type { Outcome } from '../core/finding.ts'

export type { Finding, Level, Outcome } from '../core/finding.ts'

export interface Check {
  readonly id: string
  /** A few words, without a full stop. */
  readonly title: string
  /** What is looked at, by item; the reference page is made of it. */
  readonly items: Readonly<Record<string, string>>
  /** Default 20 seconds; what `idleSeconds` takes comes on top. */
  readonly timeoutMs?: number
  /** Changes who this process is for a moment, so nothing else may go on: run before the others. */
  readonly alone?: boolean
  /** Changes nothing. Whatever it throws is a failure of its own. */
  run(site: Site, signal: AbortSignal): Promise<readonly Outcome[]>
}

/** The installation that is looked at. */
export interface Site {
  readonly config: Config
  /** The config file. */
  readonly configFile: string | undefined
  readonly notices: readonly string[]
  readonly paths: DataPaths
  readonly env: NodeJS.ProcessEnv
  /** This process is root. */
  readonly isRoot: boolean
  /** The hub itself looks, for the page of administrators. */
  readonly inHub: boolean
  /** As whom the hub runs: the owner of its folder. Undefined before the first start. */
  readonly hubOwner: Owner | undefined
  /** Process of `orrery start`; undefined when none runs on this data folder. */
  readonly supervisor: number | undefined
  /** The address that people type; ends with a slash. */
  readonly publicUrl: string
  /** Whom to try things for, where a check can. */
  readonly user: string | undefined
  /** How long a WebSocket shall be silent in a try; undefined for no such try. */
  readonly idleSeconds: number | undefined
  now(): Date
}

/** Declares a check: its outcomes can only be about items that it names. */
export function defineCheck<Items extends Record<string, string>>(
  check: Omit<Check, 'items' | 'run'> & {
    readonly items: Items
    run(site: Site, signal: AbortSignal): Promise<readonly Outcome<keyof Items & string>[]>
  },
): Check {
  return check
}

export function ok<Item extends string>(item: Item, message: string, details?: Outcome['details']): Outcome<Item> {
  return { item, level: 'ok', message, ...(details && { details }) }
}

/** `message`: what is in the way; `nextStep`: how it can be looked at. */
export function skipped<Item extends string>(item: Item, message: string, nextStep?: string): Outcome<Item> {
  return { item, level: 'skipped', message, ...(nextStep && { nextStep }) }
}

export function warning<Item extends string>(
  item: Item,
  message: string,
  nextStep: string,
  details?: Outcome['details'],
): Outcome<Item> {
  return { item, level: 'warning', message, nextStep, ...(details && { details }) }
}

export function failure<Item extends string>(
  item: Item,
  message: string,
  nextStep: string,
  details?: Outcome['details'],
): Outcome<Item> {
  return { item, level: 'failure', message, nextStep, ...(details && { details }) }
}

export const AS_ROOT = 'Run it as root: sudo orrery doctor.'
