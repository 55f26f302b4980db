/**
 * Why a login, a start or a stop ended as it did: the same words on the page, in the API, in the event stream and
 * as a metric label.
 */
export interface Reason {
  /** Stable, lower_snake_case: `spawn_timeout`, `command_not_found`, `out_of_memory`, `stopped_by_user` ... */
  readonly code: string
  /** One sentence for the person. */
  readonly message: string
  /** One sentence: what they can do next. */
  readonly nextStep?: string
  /** Last lines of the server's own log, as the person may see them. */
  readonly logTail?: string
}

/** A start, stop or poll that failed for a reason that can be told. Spawners throw it. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError'
  readonly reason: Reason
  /** HTTP status for an API client that waits for the start; JupyterHub answers 500 or 400. */
  readonly status: number

  constructor(reason: Reason, options: { status?: number; cause?: unknown } = {}) {
    super(reason.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.status = options.status ?? 500
  }
}
