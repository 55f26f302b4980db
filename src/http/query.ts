import type { FastifyRequest } from 'fastify'

/** A query field as JupyterHub's handlers read it: the last one when it is repeated, without outer white space. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  const query = request.query as Record<string, string | string[] | undefined> // fastify's parser makes nothing else
  const value = Object.hasOwn(query, name) ? query[name] : undefined
  return (Array.isArray(value) ? value.at(-1) : value)?.trim()
}
