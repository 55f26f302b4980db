/**
 * A fact that the caller asked for something and cannot have it. `message` is for the person who can act on it;
 * `detail` and `cause` are for the log only. `http/error-response.ts` is the one place that turns it into a response.
 */
export class HubError extends Error {
  override readonly name: string = 'HubError'
  /** Stable, lower_snake_case; documented in `docs/reference/errors.md`. */
  readonly code: string
  /** HTTP status. */
  readonly status: number
  /** What the person can do next, one sentence. */
  readonly nextStep: string | undefined
  /** What is wrong with single fields of a form or body, by their names. Shown. */
  readonly fields: Readonly<Record<string, string>> | undefined
  /** Logged, never shown. Must not hold secrets. */
  readonly detail: Readonly<Record<string, unknown>> | undefined
  /** Extra response headers, for example `Retry-After`. */
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(
    code: string,
    options: {
      status: number
      message: string
      nextStep?: string
      fields?: Readonly<Record<string, string>>
      detail?: Readonly<Record<string, unknown>>
      headers?: Readonly<Record<string, string>>
      cause?: unknown
    },
  ) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status
    this.nextStep = options.nextStep
    this.fields = options.fields
    this.detail = options.detail
    this.headers = options.headers
  }
}
