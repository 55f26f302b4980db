import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Identity } from '../access/identity.ts'
import { identifyScopes } from '../access/token-check.ts'
import { HubError } from '../core/errors.ts'
import { parseScopes, unparseScopes } from '../core/scopes/parse.ts'
import type { ScopeMap } from '../core/scopes/types.ts'

import { identifyCookie, identifyCookieInPath, identifyToken, refusedToken } from './operations.ts'

const MAX_COOKIE_BYTES = 4096

/**
 * How services asked who somebody is before JupyterHub 2: `GET authorizations/token/:token` and
 * `GET authorizations/cookie/:name/*`. Only for callers with a token; 404 for what is unknown or has run out.
 */
export function legacyAuthorizationRoutes(options: {
  access: Access
  /** The API's model of a user or service, as far as the scopes let it be seen. */
  model: (
    owner: { kind: 'user' | 'service'; id: number; name: string },
    scopes: ScopeMap,
    request: FastifyRequest,
  ) => Promise<unknown>
}): FastifyPluginAsync {
  const { access, model } = options
  const path = `${access.baseUrl}hub/api/authorizations`

  return async app => {
    app.get<{ Params: { token: string } }>(
      `${path}/token/:token`,
      { config: { operation: identifyToken } },
      async request => {
        const caller = await requireToken(request)
        const owner = await access.identifyToken(request.params.token)
        if (!owner) {
          await access.wrongToken(request, request.params.token)
          throw unknown()
        }
        // Whoever has a token may know whose it is.
        const scopes = parseScopes([...unparseScopes(caller.scopes), ...identifyScopes(owner)])
        return model(owner, scopes, request)
      },
    )

    // A wildcard, because the router refuses named parameters of a cookie's length.
    app.get<{ Params: { name: string; '*': string } }>(
      `${path}/cookie/:name/*`,
      { config: { operation: identifyCookieInPath } },
      async request => cookieOwner(request, request.params['*']),
    )
    app.get<{ Params: { name: string } }>(
      `${path}/cookie/:name`,
      { config: { operation: identifyCookie } },
      async request => cookieOwner(request, await rawBody(request)),
    )

    for (const method of ['GET', 'POST'] as const) {
      app.route({
        method,
        url: `${path}/token`,
        config: { operation: refusedToken(`${method.toLowerCase()}AuthorizationsToken`) },
        handler: () => {
          throw new HubError('not_found', {
            status: 404,
            message: 'Tokens are not made here any more; use /hub/api/users/:user/tokens.',
          })
        },
      })
    }
  }

  async function cookieOwner(request: FastifyRequest<{ Params: { name: string } }>, value: string): Promise<unknown> {
    const caller = await requireToken(request)
    const owner = await access.identifyCookie(encodeURIComponent(request.params.name), value.replace(/^"(.*)"$/, '$1'))
    if (!owner) throw unknown()
    return model(owner, caller.scopes, request)
  }

  async function requireToken(request: FastifyRequest): Promise<Identity> {
    const caller = await access.identify(request)
    if (caller?.proof.by !== 'token') throw new HubError('not_signed_in', { status: 403, message: 'Forbidden' })
    return caller
  }
}

/** Bodies of GET requests are not parsed by the framework. */
async function rawBody(request: FastifyRequest): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_COOKIE_BYTES) throw unknown()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1').trim()
}

function unknown(): HubError {
  return new HubError('not_found', { status: 404, message: 'Not Found' })
}
