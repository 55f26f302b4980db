/**
 * `ok`: as it should be. `skipped`: could not be looked at from here. `warning`: works, and somebody should know.
 * `failure`: does not work, for some or for all.
 */
export const LEVELS = ['ok', 'skipped', 'warning', 'failure'] as const
export type Level = (typeof LEVELS)[number]

/** What one look at the installation has found. */
export interface Outcome<Item extends string = string> {
  /** Stable name of what was looked at, unique within its check. */
  readonly item: Item
  readonly level: Level
  /** One sentence for an operator. */
  readonly message: string
  /** What to do about it; of warnings and failures always there. */
  readonly nextStep?: string
  /** Figures and names for programs; no secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

export interface Finding extends Outcome {
  /** Id of the check. */
  readonly check: string
  /** Of the check, a few words. */
  readonly title: string
}
