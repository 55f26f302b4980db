/** Reads queries and forms, whatever was sent, as plain texts. */
import type { FastifyRequest } from 'fastify'

/** The first value of a query argument; empty text and absence are the same. */
export function queryText(request: FastifyRequest, name: string): string {
  return firstText((request.query as Record<string, unknown> | undefined)?.[name]) // fastify parses every query to a record
}

export function formText(request: FastifyRequest, name: string): string {
  return firstText(formBody(request)[name])
}

/** Every field once, without `_xsrf`. */
export function formFields(request: FastifyRequest): Record<string, string> {
  const fields = Object.entries(formBody(request)).filter(([name]) => name !== '_xsrf')
  return Object.fromEntries(fields.map(([name, value]) => [name, firstText(value)]))
}

/** Every field with all its values, without `_xsrf`: what options forms are parsed from. */
export function formLists(request: FastifyRequest): Record<string, readonly string[]> {
  return textLists(formBody(request))
}

export function queryLists(request: FastifyRequest): Record<string, readonly string[]> {
  return textLists((request.query ?? {}) as Record<string, unknown>) // fastify parses every query to a record
}

function textLists(values: Record<string, unknown>): Record<string, readonly string[]> {
  const entries = Object.entries(values).filter(([name]) => name !== '_xsrf')
  return Object.fromEntries(
    entries.map(([name, value]) => [name, [value].flat().filter(text => typeof text === 'string')]),
  )
}

function formBody(request: FastifyRequest): Record<string, unknown> {
  return typeof request.body === 'object' && request.body !== null ? (request.body as Record<string, unknown>) : {} // just checked
}

function firstText(value: unknown): string {
  const first = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first : ''
}
