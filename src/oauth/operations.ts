import { z } from 'zod'
import { serviceSchema } from '../features/services/answers.ts'
import { userSchema } from '../features/users/answers.ts'
import { faultSchema } from '../http/openapi-faults.ts'
import { empty, json, type Operation, text } from '../http/operation.ts'

const FORM = 'application/x-www-form-urlencoded'

/** What `OauthError` tells, RFC 6749 section 5.2. */
const refusal = () => z.strictObject({ error: z.string(), error_description: z.string().optional() })

/** Read by `authorization-request.ts`, which tells the person or the client what is wrong. */
const authorizationQuery = () =>
  z.object({
    client_id: z.string().optional(),
    redirect_uri: z.string().optional(),
    response_type: z.string().optional().meta({ description: '`code`.' }),
    scope: z.string().optional().meta({ description: 'Scopes with spaces between them.' }),
    state: z.string().optional(),
    code_challenge: z.string().optional().meta({ description: 'PKCE, RFC 7636.' }),
    code_challenge_method: z.string().optional().meta({ description: '`S256`, or `plain`.' }),
  })

const consent: Pick<Operation, 'tag' | 'callers' | 'query' | 'page' | 'faults'> = {
  tag: 'oauth',
  callers: 'known',
  query: authorizationQuery,
  page: true,
  faults: { 500: 'The server or service that asks does not exist any more.' },
}

export const askForConsent: Operation = {
  ...consent,
  id: 'askForConsent',
  summary: 'Ask the person whether an application may sign them in',
  answers: {
    200: text('The page that asks.', 'text/html'),
    302: empty('To the login page, or back to the application where nothing is to be asked.'),
  },
}

export const grantConsent: Operation = {
  ...consent,
  id: 'grantConsent',
  summary: 'The person agrees',
  body: () =>
    z
      .looseObject({
        scopes: z.array(z.string()).optional().meta({ description: 'What they agree to.' }),
        _xsrf: z.string().optional(),
      })
      .optional(),
  bodyType: FORM,
  answers: { 302: empty('Back to the application, with a code or with what is wrong.') },
}

export const exchangeCode: Operation = {
  id: 'exchangeCode',
  tag: 'oauth',
  summary: 'Exchange a code for a token',
  description: 'RFC 6749, section 4.1.3. The secret of the client is in the form or in a Basic header.',
  body: () =>
    z
      .looseObject({
        grant_type: z.string().optional().meta({ description: '`authorization_code`.' }),
        code: z.string().optional(),
        redirect_uri: z.string().optional(),
        code_verifier: z.string().optional(),
        client_id: z.string().optional(),
        client_secret: z.string().optional(),
      })
      .optional(),
  bodyType: FORM,
  answers: {
    200: json('The token.', () =>
      z.strictObject({
        access_token: z.string(),
        expires_in: z.int().meta({ description: 'Seconds.' }),
        token_type: z.literal('Bearer'),
        scope: z.string(),
      }),
    ),
    400: json('What is wrong with the request.', () => z.union([refusal(), faultSchema()])),
    401: json('The client is not known, or its secret is wrong.', refusal),
  },
  faults: { 429: 'Too many wrong secrets came from this address.' },
}

const old: Pick<Operation, 'tag' | 'callers' | 'params'> = {
  tag: 'old clients',
  callers: 'known',
  params: {
    name: { description: 'Name of the cookie.', example: 'jupyterhub-hub-login' },
    value: { description: 'Value of the cookie.' },
    token: { description: 'The token in question.' },
  },
}
const owner = { 200: json('The model of the owner.', () => z.union([userSchema(), serviceSchema()])) }

export const identifyToken: Operation = { ...old, id: 'identifyToken', summary: 'Whose is this token?', answers: owner }

export const identifyCookie: Operation = {
  ...old,
  id: 'identifyCookie',
  summary: 'Whose is this cookie?',
  description: 'Its value is the body of the request.',
  answers: owner,
}

export const identifyCookieInPath: Operation = {
  ...old,
  id: 'identifyCookieInPath',
  summary: 'Whose is this cookie?',
  answers: owner,
}

/** JupyterHub has taken this away and kept the address. */
export const refusedToken = (id: string): Operation => ({
  tag: 'old clients',
  id,
  summary: 'Refused: tokens are made below `users`',
  answers: {},
  faults: { 404: 'Not here any more.' },
})
