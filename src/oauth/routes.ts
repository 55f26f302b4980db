import type { FastifyPluginAsync } from 'fastify'
import type { Access } from '../access/access.ts'
import { requireSignedIn } from '../access/guards.ts'
import { type Clock, type Logger, systemClock } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { type AuthorizeDeps, askForConsent, grantConsent } from './authorize.ts'
import * as operations from './operations.ts'
import { tokenEndpoint } from './token.ts'

export interface OauthOptions {
  readonly database: Database
  readonly access: Access
  readonly log: Logger
  readonly clock?: Clock
  /** The page that asks the person, as HTML. */
  readonly renderConsent: AuthorizeDeps['renderConsent']
  /** Life of the tokens; JupyterHub's default is that of the login cookie. */
  readonly tokenSeconds: number
  /** Refuse clients without PKCE (JupyterHub's `oauth_require_pkce`); those before version 6 do not know it. */
  readonly requirePkce?: boolean
  /** Where strangers are sent first: the login page, or straight to the provider (`auto_login_oauth2_authorize`). */
  readonly loginUrl?: string
}

/** The authorization server that single-user servers and services sign people in with. Paths are whole: no prefix. */
export function oauthRoutes(options: OauthOptions): FastifyPluginAsync {
  const { access, log } = options
  const deps = {
    db: options.database.db,
    access,
    log,
    clock: options.clock ?? systemClock,
    requirePkce: options.requirePkce ?? false,
    tokenSeconds: options.tokenSeconds,
    renderConsent: options.renderConsent,
  }
  const path = `${access.baseUrl}hub/api/oauth2`
  return async app => {
    const preHandler = requireSignedIn(access, options.loginUrl === undefined ? {} : { loginUrl: options.loginUrl })
    app.get(`${path}/authorize`, { preHandler, config: { operation: operations.askForConsent } }, (request, reply) =>
      askForConsent(deps, request, reply),
    )
    app.post(`${path}/authorize`, { preHandler, config: { operation: operations.grantConsent } }, (request, reply) =>
      grantConsent(deps, request, reply),
    )
    app.post(`${path}/token`, { config: { operation: operations.exchangeCode } }, (request, reply) =>
      tokenEndpoint(deps, request, reply),
    )
  }
}
