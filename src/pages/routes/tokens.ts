/** '/hub/token': the API tokens of whoever is signed in. Forms post here; with scripts the page uses the REST API. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { describeScopes } from '../../core/scopes/describe.ts'
import type { PageApplication, PageDeps, PageToken } from '../deps.ts'
import { signedIn, signedInForm } from '../page-guards.ts'
import { sendPage } from '../page-vars.ts'
import { formText } from '../request-parts.ts'
import { templateTime } from '../template-time.ts'
import { expiryChoices, expiryChoicesHtml } from '../token-expiry.ts'

interface TokenForm {
  note: string
  scopes: string
  expires: string
}

const EMPTY_FORM: TokenForm = { note: '', scopes: '', expires: '' }

export function tokenRoutes(app: FastifyInstance, deps: PageDeps): void {
  const page = `${deps.settings.baseUrl}hub/token`

  app.get(
    '/hub/token',
    signedIn(deps, (request, reply, me) => sendTokens(deps, request, reply, me)),
  )

  app.post(
    '/hub/token',
    signedInForm(deps, async (request, reply, me) => {
      const form = {
        note: formText(request, 'note').trim(),
        scopes: formText(request, 'scopes').trim(),
        expires: formText(request, 'expires_in'),
      }
      try {
        const newToken = await createToken(deps, me, form)
        return sendTokens(deps, request, reply, me, { newToken, newTokenNote: form.note })
      } catch (error) {
        if (!(error instanceof HubError) || error.status >= 500) throw error
        return sendTokens(deps, request, reply, me, { status: error.status, fault: error, form })
      }
    }),
  )

  app.post(
    '/hub/token/revoke',
    signedInForm(deps, async (request, reply, me) => {
      await deps.tokens.revoke(me.name, formText(request, 'token_id'))
      return reply.redirect(page, 303)
    }),
  )
}

function createToken(deps: PageDeps, me: UserIdentity, form: TokenForm): Promise<string> {
  const seconds = form.expires === '' ? deps.settings.tokenExpiresInMaxSeconds : Number(form.expires)
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new HubError('invalid_expiry', { status: 400, message: 'The time until the token expires is not a number.' })
  }
  const scopes = form.scopes.split(/[\s,]+/).filter(scope => scope !== '')
  return deps.tokens.create({
    user: me.name,
    note: form.note || 'Requested via token page',
    ...(seconds > 0 && { expiresInSeconds: seconds }),
    ...(scopes.length > 0 && { scopes }),
  })
}

async function sendTokens(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  me: UserIdentity,
  shown: { status?: number; newToken?: string; newTokenNote?: string; fault?: HubError; form?: TokenForm } = {},
) {
  const { own, applications } = await deps.tokens.list(me.name)
  const maxSeconds = deps.settings.tokenExpiresInMaxSeconds
  const choices = expiryChoices(maxSeconds)
  return sendPage(deps, request, reply, {
    template: 'token.html',
    status: shown.status ?? 200,
    vars: {
      page: 'token',
      page_of_api: deps.apiDocument !== undefined,
      api_tokens: own.map(token => tokenVars(deps, token, me.name)),
      has_server_tokens: own.some(token => token.note.startsWith('Server at ')),
      oauth_clients: applications.map(application => applicationVars(deps, application, me.name)),
      token_expires_in_options: choices,
      token_expires_in_options_html: expiryChoicesHtml(choices),
      token_expires_in_max_seconds: maxSeconds,
      new_token: shown.newToken,
      new_token_note: shown.newTokenNote,
      form: shown.form ?? EMPTY_FORM,
      fault: shown.fault && { message: shown.fault.message, next: shown.fault.nextStep },
    },
  })
}

function tokenVars(deps: PageDeps, token: PageToken, user: string) {
  return {
    api_id: token.apiId,
    note: token.note,
    scopes: token.scopes,
    scope_descriptions: describeScopes(token.scopes, user, deps.access.scopeDefinitions),
    created: templateTime(token.created),
    last_activity: templateTime(token.lastActivity),
    expires_at: templateTime(token.expiresAt),
  }
}

/** JupyterHub shows one row for an application: first granted, last used, any of its tokens for revoking all. */
function applicationVars(deps: PageDeps, application: PageApplication, user: string) {
  const moments = (pick: (token: PageToken) => Date | undefined) =>
    application.tokens.flatMap(token => pick(token)?.getTime() ?? [])
  const created = moments(token => token.created)
  const used = moments(token => token.lastActivity)
  const scopes = [...new Set(application.tokens.flatMap(token => token.scopes))].sort()
  return {
    description: application.description,
    token_id: application.tokens[0]?.apiId,
    token_count: application.tokens.length,
    tokens: application.tokens.map(token => tokenVars(deps, token, user)),
    scopes,
    scope_descriptions: describeScopes(scopes, user, deps.access.scopeDefinitions),
    created: created.length > 0 ? templateTime(new Date(Math.min(...created))) : undefined,
    last_activity: used.length > 0 ? templateTime(new Date(Math.max(...used))) : undefined,
  }
}
