/** How callers prove who they are, in the words of OpenAPI. */
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import type { JsonSchema } from './openapi-types.ts'
import type { Operation } from './operation.ts'

export function securitySchemes(baseUrl: string, scopes: ScopeDefinitions): Record<string, JsonSchema> {
  return {
    token: {
      type: 'apiKey',
      in: 'header',
      name: 'Authorization',
      description: '`Authorization: token TOKEN`, or `Bearer` for `token`. People make tokens at `hub/token`.',
    },
    cookie: {
      type: 'apiKey',
      in: 'cookie',
      name: 'jupyterhub-hub-login',
      description: 'The login of a browser, for pages of the hub itself.',
    },
    xsrf: {
      type: 'apiKey',
      in: 'header',
      name: 'X-XSRFToken',
      description: 'With a cookie: the value of the cookie `_xsrf`. The query field `_xsrf` does as well.',
    },
    oauth2: {
      type: 'oauth2',
      description: 'Services get a token of the person who opens them.',
      flows: {
        authorizationCode: {
          authorizationUrl: `${baseUrl}hub/api/oauth2/authorize`,
          tokenUrl: `${baseUrl}hub/api/oauth2/token`,
          scopes: Object.fromEntries(Object.entries(scopes).map(([name, { description }]) => [name, description])),
        },
      },
    },
  }
}

/** The alternatives. The names in brackets are the scopes that a caller holds one of. */
export function securityOf({ scopes, callers = 'everybody' }: Operation): Record<string, string[]>[] {
  if (!scopes && callers === 'everybody') return []
  const any = [...(scopes ?? [])]
  return [{ token: any }, { cookie: any, xsrf: [] }, ...any.map(scope => ({ oauth2: [scope] }))]
}
