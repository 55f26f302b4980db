/** '/hub/login' and '/hub/logout'. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HubError } from '../../core/errors.ts'
import type { Refused } from '../../plugin/authenticator.ts'
import type { PageDeps } from '../deps.ts'
import { nextUrl, withQuery } from '../next-url.ts'
import { sendPage } from '../page-vars.ts'
import { formFields, queryText } from '../request-parts.ts'

export function signInRoutes(app: FastifyInstance, deps: PageDeps): void {
  const hub = `${deps.settings.baseUrl}hub/`

  app.get('/hub/login', async (request, reply) => {
    const identity = await deps.access.identify(request)
    if (identity?.kind === 'user') {
      // A single-user server sends people here when its own cookie is gone: they get fresh ones.
      await deps.access.signIn(reply, request, identity)
      return reply.redirect(await nextUrl(deps, request, { user: identity }))
    }
    if (deps.authenticator.login.kind === 'request') return signInByRequest(deps, request, reply)
    // Whoever has just signed out does not want to be signed in again by the same click.
    const isSignedOut = queryText(request, 'signed_out') !== ''
    if (deps.settings.autoLogin && deps.authenticator.login.kind === 'redirect' && !isSignedOut) {
      return reply.redirect(authenticatorUrl(deps, request))
    }
    return sendLoginPage(deps, request, reply, { username: queryText(request, 'username') })
  })

  app.post('/hub/login', async (request, reply) => {
    const { username = '', ...others } = formFields(request)
    const form = { username: username.trim(), ...others } // passwords may begin and end with a blank, names may not
    const stale = await xsrfFault(deps, request, reply)
    if (stale) {
      return sendLoginPage(deps, request, reply, {
        status: 403,
        username: form.username,
        login_error: 'This form was open too long.',
        login_error_next: 'Please sign in again.',
        login_error_kind: 'info',
      })
    }
    const outcome = await deps.signIn.attempt({ form, address: request.ip, headers: plainHeaders(request) })
    if ('refused' in outcome) return sendRefusal(deps, request, reply, outcome, form.username)
    await deps.access.signIn(reply, request, outcome.user)
    return reply.redirect(await nextUrl(deps, request, { user: outcome.user }))
  })

  app.get('/hub/logout', async (request, reply) => {
    const identity = await deps.access.identify(request)
    if (identity?.kind === 'user' && deps.settings.shutdownOnLogout) await stopAll(deps, identity.name)
    await deps.access.signOut(request, reply)
    if (deps.settings.logoutRedirectUrl !== undefined) return reply.redirect(deps.settings.logoutRedirectUrl)
    // Where signing in happens by itself, the login page would sign in again at once.
    if (deps.authenticator.login.kind !== 'form') return sendGoodbye(deps, reply)
    return reply.redirect(`${hub}login?signed_out=1`)
  })
}

async function xsrfFault(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  try {
    await deps.access.xsrf.check(request, reply)
    return undefined
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    deps.log.info({ code: error.code, address: request.ip }, 'login form refused')
    return error
  }
}

/** Headers of a proxy in front tell who it is (REMOTE_USER); there is no form. */
async function signInByRequest(deps: PageDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const outcome = await deps.signIn.attempt({ form: {}, address: request.ip, headers: plainHeaders(request) })
  if ('refused' in outcome) {
    throw new HubError(outcome.refused, { status: outcome.status ?? 403, message: outcome.message })
  }
  await deps.access.signIn(reply, request, outcome.user)
  return reply.redirect(await nextUrl(deps, request, { user: outcome.user }))
}

/** JupyterHub answers a wrong name or password with 403 and the form. */
function sendRefusal(deps: PageDeps, request: FastifyRequest, reply: FastifyReply, refused: Refused, username: string) {
  if (refused.continueAt !== undefined) return reply.redirect(`${deps.settings.baseUrl}hub/${refused.continueAt}`, 303)
  const status = refused.status === 429 || refused.status === 503 ? refused.status : 403
  if (refused.retryAfter !== undefined) reply.header('retry-after', String(refused.retryAfter))
  return sendLoginPage(deps, request, reply, {
    status,
    username: username.slice(0, 100),
    login_error: refused.message,
    login_error_next: nextSteps[refused.refused],
    login_error_kind: refused.refused === 'waiting_for_approval' ? 'info' : 'error',
    login_error_code: refused.refused,
  })
}

const nextSteps: Readonly<Record<string, string>> = {
  wrong_credentials: 'Check the spelling and whether Caps Lock is on.',
  waiting_for_approval: 'You can sign in as soon as an administrator has said yes.',
  not_allowed: 'If you should be able to, ask an administrator.',
}

async function sendLoginPage(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  { status = 200, ...vars }: { status?: number; username?: string; [name: string]: unknown },
) {
  const hub = `${deps.settings.baseUrl}hub/`
  const {
    authenticator: { login },
    settings,
  } = deps
  await deps.access.xsrf.renew(request, reply) // whoever leaves the form open has its whole hour from now
  const next = queryText(request, 'next')
  const pageVars = {
    next: encodeURIComponent(next),
    authenticator_login_url: authenticatorUrl(deps, request),
    authenticator: {
      name: deps.authenticator.name,
      request_otp: login.kind === 'form' && (login.otp === true || settings.requestOtp === true),
      otp_prompt: settings.otpPrompt,
    },
    login_label: login.kind === 'redirect' ? login.label : undefined,
    signup_url: login.kind === 'form' && login.signUp ? `${hub}signup` : undefined,
    login_term_url: deps.settings.loginTermUrl,
    logged_out: queryText(request, 'signed_out') !== '' && vars.login_error === undefined,
    session_ended: next !== '' && hadSession(request) && vars.login_error === undefined,
    ...vars,
  }
  const xsrf = await deps.access.xsrf.token(request, reply)
  return sendPage(deps, request, reply, {
    template: 'login.html',
    status,
    vars: { ...pageVars, custom_html: customHtml(deps, { ...pageVars, xsrf, login_url: `${hub}login` }) },
  })
}

/** JupyterHub renders it as a template, too, so that it can have the fields that the form needs. */
function customHtml({ settings, renderer }: PageDeps, vars: Readonly<Record<string, unknown>>): string {
  const { customLoginHtml = '', baseUrl } = settings
  const html = typeof customLoginHtml === 'function' ? customLoginHtml(`${baseUrl}hub/`) : customLoginHtml
  return html === '' ? '' : renderer.renderText(html, vars)
}

/** Where a form is sent to, or where the provider's sign-in begins. */
function authenticatorUrl(deps: PageDeps, request: FastifyRequest): string {
  const hub = `${deps.settings.baseUrl}hub/`
  const { login } = deps.authenticator
  const next = queryText(request, 'next')
  const action = login.kind === 'redirect' ? absolute(hub, login.url) : `${hub}login`
  return withQuery(action, next === '' ? {} : { next })
}

/** A plug-in may name its page as it names its routes: below the hub. */
function absolute(hub: string, url: string): string {
  return /^(\/|https?:)/.test(url) ? url : hub + url
}

// Signing out clears these cookies, so whoever still has one was signed in until their session ended.
function hadSession(request: FastifyRequest): boolean {
  return /(^|;\s*)(jupyterhub-session-id|(__Host-)?jupyterhub-hub-login)=[^;\s]/.test(request.headers.cookie ?? '')
}

function sendGoodbye(deps: PageDeps, reply: FastifyReply): FastifyReply {
  const html = deps.renderer.render('logout.html', {}) // nobody is signed in any more
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(html)
}

async function stopAll(deps: PageDeps, user: string): Promise<void> {
  const servers = await deps.servers.list(user)
  const ready = servers.filter(server => server.state.phase === 'ready')
  await Promise.all(ready.map(server => deps.servers.stop({ user, server: server.name }, { by: user })))
}

function plainHeaders(request: FastifyRequest): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}
