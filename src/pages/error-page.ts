/** The page for an error: what happened, what can be done, and a reference that finds the line in the log. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorPageVars } from '../http/error-response.ts'
import { http } from '../http/node-http.ts'
import type { PageDeps } from './deps.ts'
import { identityVars, type PageVars } from './page-vars.ts'
import type { Renderer } from './render.ts'

export interface ErrorPage {
  readonly status: number
  /** For the person; absent: a sentence that fits the status. */
  readonly message?: string
  readonly nextStep?: string
  /** Finds the log line: the request's id. */
  readonly reference?: string
  /** Further variables, for example `user` and `services`. */
  readonly vars?: PageVars
}

/** How the hub's server shows an error: with the navigation of whoever is signed in, where that can still be found. */
export async function errorPage(
  deps: PageDeps,
  facts: ErrorPageVars,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const vars = await visitorVars(deps, request, reply)
  return renderErrorPage(deps.renderer, {
    status: facts.status_code,
    message: facts.message,
    reference: facts.reference,
    vars: { ...vars, error_code: facts.code },
    ...(facts.next_step !== undefined && { nextStep: facts.next_step }),
  })
}

// The database may be what is broken; then nobody is known and the page still comes.
async function visitorVars(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<PageVars> {
  try {
    const identity = await deps.access.identify(request)
    const xsrf = await deps.access.xsrf.token(request, reply)
    return { ...(await identityVars(deps, identity)), xsrf, xsrf_token: xsrf }
  } catch {
    return {}
  }
}

/**
 * Renders `404.html` and the like where a site has one, else `error.html`. Never throws: when the site's own template
 * has the fault that is being told, a plain page remains.
 */
export function renderErrorPage(renderer: Renderer, page: ErrorPage): string {
  const name = renderer.has(`${page.status}.html`) ? `${page.status}.html` : 'error.html'
  const vars = {
    ...page.vars,
    status_code: page.status,
    status_message: http.STATUS_CODES[page.status] ?? 'Unknown HTTP Error',
    error_title: titles[page.status],
    message:
      page.message === undefined || page.message === http.STATUS_CODES[page.status]
        ? sentences[page.status]
        : page.message,
    next_step: page.nextStep ?? nextSteps[page.status],
    reference: page.reference,
    no_spawner_check: true,
  }
  for (const template of [name, 'templates/error.html']) {
    try {
      return renderer.render(template, vars)
    } catch {
      // the next, plainer one
    }
  }
  return `<!DOCTYPE html><title>${page.status}</title><h1>${page.status} ${vars.status_message}</h1><p>A template of this site has a fault.</p>`
}

const titles: Readonly<Record<number, string>> = {
  400: 'This request cannot be understood',
  403: 'This is not allowed',
  404: 'Nothing turns round this address',
  405: 'This cannot be done here',
  413: 'That was too much at once',
  429: 'Too many tries',
  500: 'Something went wrong in the hub',
  502: 'The server gave no proper answer',
  503: 'The server does not answer',
  504: 'The server took too long',
}

const sentences: Readonly<Record<number, string>> = {
  403: 'You are signed in, but you lack a permission for this.',
  500: 'It is not your fault. The fault is written down in the log.',
  502: 'It may have ended, or something between you and it broke the connection.',
  503: 'It may have been stopped, or it is still starting.',
  504: 'It is there but busy, or the network is slow.',
}

const nextSteps: Readonly<Record<number, string>> = {
  429: 'Wait a little before you try again.',
  500: 'Try again. If it happens again, tell the administrator.',
  502: 'Look at its state on the home page and start it again.',
  503: 'Look at its state on the home page and start it again.',
  504: 'Wait a moment and load the page again.',
}
