import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { getUser, may } from '../access/guards.ts'
import type { UserIdentity } from '../access/identity.ts'
import { HubError } from '../core/errors.ts'
import type { Clock, Logger } from '../core/runtime.ts'
import type { Db } from '../db/database.ts'
import { narrowToUser, readClient, readPkce, readRequestedScopes } from './authorization-request.ts'
import type { KnownClient } from './clients.ts'
import { saveCode } from './codes.ts'
import { type ConsentVars, consentScopes, needsConsent } from './consent.ts'
import { addToQuery, OauthError } from './oauth-error.ts'
import { type Parameters, parametersOf } from './parameters.ts'
import type { PkceChallenge } from './pkce.ts'

export interface AuthorizeDeps {
  readonly db: Db
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
  readonly requirePkce: boolean
  renderConsent(request: FastifyRequest, reply: FastifyReply, vars: ConsentVars): Promise<string> | string
}

/** A request that may be granted, as far as the person agrees. */
interface Authorization {
  readonly client: KnownClient
  readonly user: UserIdentity
  readonly scopes: ReadonlySet<string>
  readonly pkce: PkceChallenge | undefined
  readonly state: string | undefined
}

/** `GET authorize`: asks for consent, or grants at once where none is needed. The guard has seen to the login. */
export async function askForConsent(deps: AuthorizeDeps, request: FastifyRequest, reply: FastifyReply) {
  return answeringClient(deps, request, reply, async (client, parameters) => {
    const scope = parameters.get('scope')?.split(' ').filter(Boolean) ?? []
    const authorization = await checkAuthorization(deps, request, client, parameters, scope)
    const { user, scopes } = authorization
    if (!(await needsConsent(deps.db, user, client, scopes, deps.clock.now()))) {
      return grant(deps, request, reply, authorization)
    }
    const page = await deps.renderConsent(request, reply, {
      oauth_client: {
        identifier: client.identifier,
        description: client.description,
        redirect_uri: client.redirectUri,
      },
      ...consentScopes(client, scopes, user.name, deps.access.scopeDefinitions),
      xsrf: await deps.access.xsrf.token(request, reply),
      user: { name: user.name, admin: user.admin },
      auth_state: null,
    })
    return reply.type('text/html; charset=utf-8').send(page)
  })
}

/** `POST authorize`: the person agreed to the scopes of the form. The guard has checked the xsrf token. */
export async function grantConsent(deps: AuthorizeDeps, request: FastifyRequest, reply: FastifyReply) {
  return answeringClient(deps, request, reply, async (client, parameters) => {
    // An empty consent is no request for the default scopes.
    const agreed = parameters.all('scopes').length > 0 ? parameters.all('scopes') : ['identify']
    return grant(deps, request, reply, await checkAuthorization(deps, request, client, parameters, agreed))
  })
}

/** Tells the person what is wrong with the client, and the client what is wrong with its request. */
async function answeringClient(
  deps: AuthorizeDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  step: (client: KnownClient, parameters: Parameters) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const parameters = parametersOf(request)
  const client = await readClient(deps.db, parameters)
  try {
    return await step(client, parameters)
  } catch (error) {
    if (!(error instanceof OauthError)) throw error
    deps.log.warn(
      { client: client.identifier, error: error.error, description: error.message },
      'refused an OAuth request',
    )
    return redirect(reply, client, error.fields, parameters.get('state'))
  }
}

async function checkAuthorization(
  deps: AuthorizeDeps,
  request: FastifyRequest,
  client: KnownClient,
  parameters: Parameters,
  requested: readonly string[],
): Promise<Authorization> {
  const pkce = readPkce(parameters, deps.requirePkce)
  const user = await getUser(deps.access, request)
  const owner = await deps.access.findUser(user.id)
  if (!owner) throw new HubError('not_signed_in', { status: 403, message: 'Missing or invalid credentials.' })
  const scopes = await readRequestedScopes(deps, requested, client, owner)
  await checkEntry(deps, user, client)
  const { allowed, disallowed } = await narrowToUser(deps.access, scopes, client, owner)
  if (disallowed.size > 0) {
    deps.log.warn(
      { client: client.identifier, user: user.name, withheld: [...disallowed] },
      'granted fewer scopes than asked for',
    )
  }
  return { client, user, scopes: allowed, pkce, state: parameters.get('state') }
}

async function checkEntry(deps: AuthorizeDeps, user: UserIdentity, client: KnownClient): Promise<void> {
  if (!client.entry) {
    throw new HubError('oauth_client_orphaned', {
      status: 500,
      message: 'The server or service that asks for this login does not exist any more.',
      nextStep: 'Open it again from the home page.',
      detail: { client: client.identifier },
    })
  }
  if (await may(deps.access, user, client.entry.scope, client.entry.target)) return
  throw new HubError('oauth_access_denied', {
    status: 403,
    message: `You do not have permission to access ${client.description}`,
  })
}

async function grant(deps: AuthorizeDeps, request: FastifyRequest, reply: FastifyReply, authorization: Authorization) {
  const { client, user, scopes, pkce, state } = authorization
  const code = await saveCode(
    deps.db,
    {
      clientId: client.identifier,
      userId: user.id,
      sessionId: deps.access.session(request, reply),
      redirectUri: client.redirectUri,
      scopes: [...new Set([...scopes, ...client.requiredScopes])],
      pkce,
    },
    deps.clock.now(),
  )
  return redirect(reply, client, { code }, state)
}

function redirect(reply: FastifyReply, client: KnownClient, fields: Record<string, string>, state: string | undefined) {
  return reply.redirect(addToQuery(client.redirectUri, state ? { ...fields, state } : fields), 302)
}
