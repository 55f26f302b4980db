import { createHash, randomBytes } from 'node:crypto'
import type { TokenGuesses } from '../access/identification.ts'
import { ensureOauthClient } from '../access/oauth-clients.ts'
import { cookieJar, type TestHub, testHub } from '../access/testing.ts'
import type { Database } from '../db/database.ts'
import type { ConsentVars } from './consent.ts'
import { legacyAuthorizationRoutes } from './legacy-authorizations.ts'
import { oauthRoutes } from './routes.ts'

/** A hub with the authorization server, alice's server behind the client `server-alice`, and alice signed in. */
export interface OauthHub extends TestHub {
  readonly alice: { id: number; name: string; cookieId: string }
  readonly cookie: string
  readonly sessionId: string
  readonly xsrf: string
  /** The last consent page that was asked for. */
  consent(): ConsentVars | undefined
  signIn(userId: number): Promise<string>
}

export const CLIENT = {
  identifier: 'server-alice',
  secret: 'the secret of alices server',
  redirectUri: '/user/alice/oauth_callback',
  allowedScopes: ['access:servers!server=alice/'],
  description: 'Server at /user/alice/',
}

export async function oauthHub(
  options: { requirePkce?: boolean; open?: () => Promise<Database>; tokenGuesses?: TokenGuesses } = {},
): Promise<OauthHub> {
  const { requirePkce: _, ...rest } = options
  const hub = await testHub(rest)
  let consent: ConsentVars | undefined
  hub.app.setErrorHandler((error: { status?: number; message: string; code?: string }, _request, reply) =>
    reply.status(error.status ?? 500).send({ status: error.status ?? 500, message: error.message, code: error.code }),
  )
  await hub.app.register(
    oauthRoutes({
      database: hub.database,
      access: hub.access,
      log: hub.log,
      clock: hub.clock,
      tokenSeconds: 14 * 86_400,
      requirePkce: options.requirePkce ?? false,
      renderConsent: (_request, _reply, vars) => {
        consent = vars
        return '<form>'
      },
    }),
  )
  await hub.app.register(
    legacyAuthorizationRoutes({
      access: hub.access,
      model: async (owner, scopes) => ({ ...owner, sees: scopes.has('read:users:name') }),
    }),
  )
  hub.app.get('/hub/api/user', async (request, reply) => {
    const identity = await hub.access.identify(request)
    if (!identity) return reply.status(403).send({ status: 403, message: 'Forbidden' })
    return {
      kind: identity.kind,
      name: identity.name,
      admin: identity.admin,
      groups: [],
      ...hub.access.describe(identity),
    }
  })
  hub.app.get<{ Params: { id: string } }>('/sign-in/:id', async (request, reply) => {
    await hub.access.signIn(reply, request, { id: Number(request.params.id), name: '' })
    return 'ok'
  })
  hub.app.get('/sign-out', async (request, reply) => {
    await hub.access.signOut(request, reply)
    return 'ok'
  })
  await ensureOauthClient(hub.database.db, CLIENT)
  const alice = await hub.addUser('alice')
  await hub.addServer(alice.id, '', CLIENT.identifier)
  const signIn = async (userId: number) => cookieJar(await hub.app.inject({ url: `/sign-in/${userId}` }))
  const cookie = await signIn(alice.id)
  return {
    ...hub,
    alice,
    cookie,
    sessionId: /jupyterhub-session-id=(\w+)/.exec(cookie)![1]!, // set by every login
    xsrf: /_xsrf=([^;]+)/.exec(cookie)![1]!, // set by every login
    consent: () => consent,
    signIn,
  }
}

export function pkcePair(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export function authorizeUrl(parameters: Record<string, string>): string {
  return `/hub/api/oauth2/authorize?${new URLSearchParams({ client_id: CLIENT.identifier, redirect_uri: CLIENT.redirectUri, response_type: 'code', ...parameters })}`
}
