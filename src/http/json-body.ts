import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { HubError } from '../core/errors.ts'
import type { Json } from '../core/runtime.ts'

/** Any JSON: what came out of a parser needs no second look. */
export const jsonValue = () => z.custom<Json>()

/** JupyterHub's words for a body that is no JSON. */
export function invalidJson(cause?: unknown): HubError {
  return new HubError('invalid_json', { status: 400, message: 'Invalid JSON in body of request', cause })
}

/**
 * The body, checked. `message` is JupyterHub's sentence for this endpoint where it has one; without it the first fault
 * is told with its place. A missing body is checked as `undefined`.
 */
export function parseBody<Schema extends z.ZodType>(
  request: FastifyRequest,
  schema: Schema,
  message?: string,
): z.output<Schema> {
  const parsed = schema.safeParse(request.body ?? undefined)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const place = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.join('.')
  throw new HubError('invalid_body', { status: 400, message: message ?? `${place}: ${issue?.message ?? 'not valid'}` })
}
