import type { User } from '../../api/types.ts'

export type UserAction = 'start' | 'stop' | 'delete' | 'group'

export interface UserDialogProps {
  readonly names: readonly string[]
  readonly onClose: () => void
  /** Those it failed for. */
  readonly onFailed: (names: readonly string[]) => void
  /** Those that are no more. */
  readonly onDeleted: (names: readonly string[]) => void
}

/** With what is known of them now. */
export interface ChosenProps extends UserDialogProps {
  readonly users: readonly User[]
}
