/** Where the table of answers is meant to differ. `entry` stands in `docs/differences.md`; what no longer differs must go. */
import type { Part } from './requests.ts'

export interface Allowance {
  readonly entry: string
  /** Held against `caller: METHOD path`. */
  readonly on: RegExp
  readonly parts: readonly Part[]
}

export const allowances: readonly Allowance[] = []
