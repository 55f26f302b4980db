import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { HubError } from '../core/errors.ts'
import { queryValue } from './query.ts'

/** Who asks for this media type gets pages; everybody else a bare list, as before there were pages. */
export const PAGINATION_MEDIA_TYPE = 'application/jupyterhub-pagination+json'

/** JupyterHub's `api_page_default_limit` and `api_page_max_limit`. */
export interface PageLimits {
  readonly defaultLimit: number
  readonly maxLimit: number
}

export const DEFAULT_PAGE_LIMITS: PageLimits = { defaultLimit: 50, maxLimit: 200 }

/** Digits in an address; the document calls them what they mean. Above 15 they are no number that databases take. */
const pageNumber = (about: object) =>
  z
    .string()
    .regex(/^[+-]?\d{1,15}$/)
    .optional()
    .meta({ type: 'integer', minimum: 0, maximum: 999_999_999_999_999, ...about })

/** The fields of an address that `readPage` reads. */
export const pageQuery = z.object({
  offset: pageNumber({ description: 'How many to leave out at the beginning.' }),
  limit: pageNumber({ description: 'How many at most.', minimum: 1 }),
})

export interface Page {
  readonly offset: number
  readonly limit: number
}

/** As JupyterHub reads them: signs are dropped, a limit lies between 1 and the maximum, a bare list gets the maximum. */
export function readPage(request: FastifyRequest, limits: PageLimits = DEFAULT_PAGE_LIMITS): Page {
  const fallback = acceptsPagination(request) ? limits.defaultLimit : limits.maxLimit
  const offset = integer(request, 'offset', 0)
  const limit = integer(request, 'limit', fallback)
  return { offset, limit: Math.min(Math.max(limit, 1), limits.maxLimit) }
}

/** The list itself, or JupyterHub's envelope round it. `items` may be an object too (routes of the proxy). */
export function pageBody<Items>(request: FastifyRequest, items: Items, page: Page, total: number) {
  return acceptsPagination(request) ? pageEnvelope(request, items, page, total) : items
}

/** For lists that are younger than pages and come in the envelope always. */
export function pageEnvelope<Items>(request: FastifyRequest, items: Items, page: Page, total: number) {
  const { offset, limit } = page
  const nextOffset = offset + limit
  const next = nextOffset < total ? { offset: nextOffset, limit, url: nextUrl(request, nextOffset, limit) } : null
  return { items, _pagination: { offset, limit, total, next } }
}

export function acceptsPagination(request: FastifyRequest): boolean {
  const accepted = (request.headers.accept ?? '').split(',').map(type => type.trim().toLowerCase())
  return accepted.includes(PAGINATION_MEDIA_TYPE)
}

function integer(request: FastifyRequest, name: keyof typeof pageQuery.shape, fallback: number): number {
  const field = pageQuery.shape[name].safeParse(queryValue(request, name))
  if (!field.success) {
    throw new HubError('invalid_page', {
      status: 400,
      message: 'Invalid argument type, offset and limit must be integers',
    })
  }
  return field.data === undefined ? fallback : Math.abs(Number(field.data))
}

function nextUrl(request: FastifyRequest, offset: number, limit: number): string {
  const url = new URL(request.url, `${request.protocol}://${request.host}`)
  url.searchParams.set('offset', String(offset))
  url.searchParams.set('limit', String(limit))
  return url.href
}
