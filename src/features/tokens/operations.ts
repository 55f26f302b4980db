import { z } from 'zod'
import { pageOf, timeSchema } from '../../http/answer-schemas.ts'
import { empty, json, namedSchema, type Operation } from '../../http/operation.ts'
import { TOKEN, USER } from '../../http/path-parts.ts'
import { allTokensQuery, tokenWish } from './schemas.ts'

const tokens = {
  tag: 'tokens',
  params: { name: USER, token: TOKEN },
} as const

/** As `tokenModel` shows it. */
const tokenFields = () => ({
  user: z.string(),
  id: z.string(),
  kind: z.literal('api_token'),
  roles: z.array(z.string()).meta({ description: 'Always empty; kept for old clients.' }),
  scopes: z.array(z.string()).meta({ description: 'What it permits now.' }),
  created: timeSchema().nullable(),
  last_activity: timeSchema().nullable(),
  expires_at: timeSchema().nullable(),
  note: z.string().nullable(),
  session_id: z.string().nullable(),
  oauth_client: z.string().nullable(),
})

const tokenSchema = namedSchema('Token', () => z.strictObject(tokenFields()))

export const listTokens = {
  ...tokens,
  id: 'listTokens',
  summary: 'List the tokens of a user',
  scopes: ['read:tokens'],
  answers: { 200: json('Those that have not run out.', () => z.strictObject({ api_tokens: z.array(tokenSchema()) })) },
} satisfies Operation

export const listAllTokens = {
  id: 'listAllTokens',
  tag: 'tokens',
  summary: 'List the tokens of everybody',
  description: 'Those that the caller may read and that have not run out, always as a page.',
  scopes: ['read:tokens'],
  filtered: true,
  query: allTokensQuery,
  answers: {
    200: json('The tokens, without their secrets.', () =>
      pageOf(
        z.array(
          z.strictObject({
            ...tokenFields(),
            user: z.string().nullable(),
            service: z.string().nullable(),
            scopes: z.array(z.string()).meta({ description: 'As they were granted.' }),
          }),
        ),
      ),
    ),
  },
} satisfies Operation

export const createToken = {
  ...tokens,
  id: 'createToken',
  summary: 'Make a token',
  description:
    'Without `scopes` and `roles` it permits all that its user may do, now and later. Instead of a token or a cookie the ' +
    'caller may send `auth` in the body, what the login form would send. Needs the scope `tokens`.',
  callers: 'known',
  body: tokenWish,
  bodyExample: { note: 'nightly report', expires_in: 86400, scopes: ['read:servers!user'] },
  answers: {
    201: json(
      'The token itself is in this answer and never shown again.',
      namedSchema('NewToken', () => z.strictObject({ ...tokenFields(), token: z.string() })),
    ),
  },
} satisfies Operation

export const getToken = {
  ...tokens,
  id: 'getToken',
  summary: 'Show a token',
  scopes: ['read:tokens'],
  answers: { 200: json('The token, without its secret.', tokenSchema) },
} satisfies Operation

export const revokeToken = {
  ...tokens,
  id: 'revokeToken',
  summary: 'Revoke a token',
  description: 'A token of an application takes all others of the same application and user with it.',
  scopes: ['tokens'],
  answers: { 204: empty('Revoked.') },
} satisfies Operation
