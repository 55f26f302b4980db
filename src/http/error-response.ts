import type { FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../core/errors.ts'
import { SpawnError } from '../core/reason.ts'
import type { Logger } from '../core/runtime.ts'
import { isApiPath } from './api-path.ts'
import { maskUrl } from './masked-url.ts'
import { http } from './node-http.ts'

/** What an error page is told; the first four carry the names JupyterHub's `error.html` uses. */
export interface ErrorPageVars {
  status_code: number
  status_message: string
  message: string
  message_html: string
  code: string
  next_step: string | undefined
  /** Stands in the log beside the error, so that a person can name what they met. */
  reference: string
}

/** Renders an error as HTML. Set once by the pages; until then a bare page is shown. */
export type RenderErrorPage = (
  vars: ErrorPageVars,
  request: FastifyRequest,
  reply: FastifyReply,
) => string | Promise<string>

/** The error as anybody may see it. */
export interface ErrorFacts {
  status: number
  code: string
  message: string
  nextStep: string | undefined
  fields?: Readonly<Record<string, string>> | undefined
  headers: Readonly<Record<string, string>>
  /** True when nobody foresaw it: the log gets the stack, the client a reference. */
  unexpected: boolean
}

/** The one place where an error becomes a response: JSON for the API in JupyterHub's shape, a page for the rest. */
export function createErrorResponder(deps: {
  log: Logger
  baseUrl: string
  renderPage: () => RenderErrorPage | undefined
}) {
  return async function respondToError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const facts = errorFacts(error)
    logError(deps.log, error, facts, request)
    if (reply.sent || reply.raw.headersSent) return reply
    // Fastify wants to close at once; what is still being sent would then reset the connection, and the answer be lost.
    // Node reads the rest and throws it away, for as long as a request may take.
    if (facts.status === 413) reply.removeHeader('connection')
    reply.code(facts.status).headers(facts.headers).header('cache-control', 'no-store')
    if (request.method === 'HEAD') return reply.send()
    if (isApiPath(request.url, deps.baseUrl)) return reply.type('application/json').send(errorBody(facts, request.id))
    return reply.type('text/html').send(await errorPage(deps, facts, request, reply))
  }
}

/** What the API answers: JupyterHub's `status` and `message`, and Orrery's `code`, `next_step`, `fields` and `reference`. */
export function errorBody(facts: ErrorFacts, reference: string): Record<string, unknown> {
  return {
    status: facts.status,
    message: facts.message,
    code: facts.code,
    ...(facts.nextStep === undefined ? {} : { next_step: facts.nextStep }),
    ...(facts.fields && { fields: facts.fields }),
    ...(facts.status >= 500 ? { reference } : {}),
  }
}

export function errorFacts(error: unknown): ErrorFacts {
  if (error instanceof HubError) {
    const { status, code, message, nextStep, fields, headers } = error
    return { status, code, message, nextStep, fields, headers: headers ?? {}, unexpected: false }
  }
  if (error instanceof SpawnError) {
    const { code, message, nextStep } = error.reason
    return { status: error.status, code, message, nextStep, headers: {}, unexpected: false }
  }
  return frameworkFacts(error) ?? unexpectedFacts()
}

/** Faults that fastify and Node find in a request before a handler sees it. Their own words name internals. */
function frameworkFacts(error: unknown): ErrorFacts | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown } // any thrown value may arrive here
  if (typeof code !== 'string' || !code.startsWith('FST_') || typeof statusCode !== 'number') return undefined
  if (statusCode >= 500) return undefined
  const known = FRAMEWORK_FAULTS[code]
  const message = known?.message ?? http.STATUS_CODES[statusCode] ?? 'Bad Request'
  return {
    status: statusCode,
    code: known?.code ?? 'bad_request',
    message,
    nextStep: undefined,
    headers: {},
    unexpected: false,
  }
}

const FRAMEWORK_FAULTS: Record<string, { code: string; message: string } | undefined> = {
  FST_ERR_BAD_URL: { code: 'bad_url', message: 'The address is not valid UTF-8' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'url_too_long', message: 'The address is too long' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'body_too_large', message: 'The request body is too large' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'bad_content_length',
    message: 'The body does not have the length it announced',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type', message: 'Unsupported Media Type' },
}

function unexpectedFacts(): ErrorFacts {
  return {
    status: 500,
    code: 'internal_error',
    message: 'Internal Server Error',
    nextStep: 'Try again; if it happens again, tell your administrator the reference.',
    headers: {},
    unexpected: true,
  }
}

/** Once, here: `error` for what nobody foresaw, `warn` for a known failure of ours, `debug` for what the caller did. */
function logError(log: Logger, error: unknown, facts: ErrorFacts, request: FastifyRequest): void {
  const fields = {
    reference: request.id,
    method: request.method,
    url: maskUrl(request.url),
    status: facts.status,
    code: facts.code,
    ...(error instanceof HubError && error.detail ? { detail: error.detail } : {}),
  }
  if (facts.unexpected) log.error({ ...fields, err: error }, 'request failed unexpectedly')
  else if (facts.status >= 500) log.warn({ ...fields, err: error }, 'request failed')
  else log.debug({ ...fields, reason: facts.message }, 'request refused')
}

async function errorPage(
  deps: { log: Logger; renderPage: () => RenderErrorPage | undefined },
  facts: ErrorFacts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const vars = pageVars(facts, request.id)
  const render = deps.renderPage()
  if (!render) return barePage(vars)
  try {
    return await render(vars, request, reply)
  } catch (error) {
    // A site's own error template may be the thing that is broken; the person still gets an answer.
    deps.log.error({ err: error, reference: request.id }, 'error page could not be rendered')
    return barePage(vars)
  }
}

function pageVars(facts: ErrorFacts, reference: string): ErrorPageVars {
  return {
    status_code: facts.status,
    status_message: http.STATUS_CODES[facts.status] ?? 'Error',
    message: facts.message,
    message_html: '',
    code: facts.code,
    next_step: facts.nextStep,
    reference,
  }
}

function barePage(vars: ErrorPageVars): string {
  const title = `${vars.status_code} ${escapeHtml(vars.status_message)}`
  const lines = [vars.message, vars.next_step, `Reference: ${vars.reference}`].filter(line => line !== undefined)
  const body = lines.map(line => `<p>${escapeHtml(line)}</p>`).join('')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${body}</body></html>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`)
}
