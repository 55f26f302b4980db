import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { HubError } from '../core/errors.ts'

/** A query field as JupyterHub's handlers read it: the last one when it is repeated, without outer white space. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  const query = request.query as Record<string, string | string[] | undefined> // fastify's parser makes nothing else
  const value = Object.hasOwn(query, name) ? query[name] : undefined
  return (Array.isArray(value) ? value.at(-1) : value)?.trim()
}

/** The query fields by a schema. Throws HubError `invalid_query`, which names the first that is wrong. */
export function parseQuery<Schema extends z.ZodType>(request: FastifyRequest, schema: Schema): z.infer<Schema> {
  const parsed = schema.safeParse(request.query)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new HubError('invalid_query', { status: 400, message: `${path.join('.')}: ${message}` })
}
