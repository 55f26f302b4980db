import { HubError } from '../core/errors.ts'

/** A request that the launcher does not fulfil. The words go over the socket, so they hold no secrets. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** Stable code, one of `docs/reference/errors.md`. */
  readonly code: string
  readonly nextStep: string | undefined

  /** @param cause for the launcher's own log, never told over the socket */
  constructor(code: string, message: string, nextStep?: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.nextStep = nextStep
  }
}

/** The same for whoever runs the launcher's code within the hub or a command. */
export function refusalAsHubError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error
  const { code, message, nextStep } = error
  return new HubError(code, { status: 500, message, ...(nextStep === undefined ? {} : { nextStep }) })
}
