import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { jsonList } from '../access/owners.ts'
import type { Clock, Logger } from '../core/runtime.ts'
import type { Db } from '../db/database.ts'
import { authenticateClient } from './clients.ts'
import { consumeCode } from './codes.ts'
import { OauthError } from './oauth-error.ts'
import { type Parameters, parametersOf } from './parameters.ts'
import { verifyPkce } from './pkce.ts'

export interface TokenDeps {
  readonly db: Db
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
  readonly requirePkce: boolean
  readonly tokenSeconds: number
}

/** What the token endpoint answers, RFC 6749 section 5.1. */
export interface TokenAnswer {
  readonly access_token: string
  readonly expires_in: number
  readonly token_type: 'Bearer'
  readonly scope: string
}

/** `POST token`: exchanges a code for a token. The client's secret is the proof; no xsrf token is asked for. */
export async function tokenEndpoint(
  deps: TokenDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  reply.header('Cache-Control', 'no-store').header('Pragma', 'no-cache')
  try {
    const form = readForm(request)
    const given = credentials(request, form)
    const client = await authenticateClient(deps.db, given).catch(async error => {
      if (error instanceof OauthError) await deps.access.wrongToken(request, given.secret ?? '')
      throw error
    })
    return reply.send(await exchangeCode(deps, form, client))
  } catch (error) {
    if (!(error instanceof OauthError)) throw error
    deps.log.warn({ error: error.error, description: error.message }, 'refused a token request')
    if (error.status === 401) reply.header('WWW-Authenticate', `${error.scheme} error="${error.error}"`)
    return reply.status(error.status).send(error.fields)
  }
}

function readForm(request: FastifyRequest): Parameters {
  if (request.url.includes('?')) throw new OauthError('invalid_request', 'URL query parameters are not allowed')
  const form = parametersOf(request)
  if (form.get('grant_type') !== 'authorization_code') throw new OauthError('unsupported_grant_type')
  if (!form.get('code')) throw new OauthError('invalid_request', 'Missing code parameter.')
  const repeated = form.firstRepeated([
    'client_id',
    'grant_type',
    'redirect_uri',
    'code',
    'code_verifier',
    'client_secret',
  ])
  if (repeated) throw new OauthError('invalid_request', `Duplicate ${repeated} parameter.`)
  return form
}

/** `client_secret_post` as JupyterHub's clients do it, or `client_secret_basic`; not both at once. */
function credentials(request: FastifyRequest, form: Parameters) {
  const basic = /^basic ([a-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (basic === undefined)
    return { id: form.get('client_id'), secret: form.get('client_secret'), scheme: 'Bearer' as const }
  if (form.get('client_secret') !== undefined)
    throw new OauthError('invalid_request', 'Two ways of client authentication.')
  const [id = '', ...secret] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  return { id: formDecoded(id), secret: formDecoded(secret.join(':')), scheme: 'Basic' as const }
}

async function exchangeCode(
  deps: TokenDeps,
  form: Parameters,
  client: { identifier: string; redirectUri: string },
): Promise<TokenAnswer> {
  const code = await consumeCode(deps.db, form.get('code')!, client.identifier, deps.clock.now()) // readForm saw to it
  if (!code) throw new OauthError('invalid_grant')
  verifyPkce(code, form.get('code_verifier'), deps.requirePkce)
  const redirectUri = form.get('redirect_uri') ?? client.redirectUri
  if (redirectUri !== client.redirectUri || redirectUri !== code.redirect_uri) {
    throw new OauthError('invalid_request', 'Mismatching redirect URI.')
  }
  const scopes = jsonList(code.scopes)
  const issued = await deps.access.issueToken({
    user: { id: code.user_id },
    scopes,
    clientId: client.identifier,
    sessionId: code.session_id ?? undefined,
    expiresInSeconds: deps.tokenSeconds,
    skipScopeCheck: true,
  })
  return { access_token: issued.token, expires_in: deps.tokenSeconds, token_type: 'Bearer', scope: scopes.join(' ') }
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
