import { z } from 'zod'
import { pageOf, timeSchema } from '../../http/answer-schemas.ts'
import { empty, json, namedSchema, type Operation } from '../../http/operation.ts'
import { pageQuery } from '../../http/pagination.ts'
import { GROUP, USER } from '../../http/path-parts.ts'
import { codeChoice, newCode, shareChange } from './schemas.ts'

const shares = { tag: 'shares' } as const
const codes = { tag: 'share codes' } as const

const sharedServer = namedSchema('SharedServer', () =>
  z.strictObject({
    user: z.strictObject({ name: z.string() }),
    name: z.string(),
    url: z.string(),
    full_url: z.string().nullable(),
    ready: z.boolean(),
  }),
)

/** As `shareModel` shows it. */
const shareFields = () => ({
  server: sharedServer(),
  scopes: z.array(z.string()),
  user: z.strictObject({ name: z.string() }).nullable(),
  group: z.strictObject({ name: z.string() }).nullable(),
  kind: z.enum(['user', 'group']),
  created_at: timeSchema(),
})
const shareSchema = namedSchema('Share', () => z.strictObject(shareFields()))
const sharesPage = () => pageOf(z.array(shareSchema()))

/** As `shareCodeModel` shows it. */
const codeFields = () => ({
  server: sharedServer(),
  scopes: z.array(z.string()),
  id: z.string(),
  created_at: timeSchema(),
  expires_at: timeSchema().nullable(),
  exchange_count: z.int().meta({ description: 'How often it was accepted.' }),
  last_exchanged_at: timeSchema().nullable(),
})
const codeSchema = namedSchema('ShareCode', () => z.strictObject(codeFields()))
const codesPage = () => pageOf(z.array(codeSchema()))

export const listSharesOfOwner = {
  ...shares,
  id: 'listSharesOfOwner',
  summary: 'List who may use which servers of a user',
  scopes: ['read:shares'],
  query: pageQuery,
  answers: { 200: json('The shares of all servers of the user.', sharesPage) },
} satisfies Operation

/** JupyterHub knows these addresses and answers 405 to every change of all servers of a user at once. */
export const refusedForOwner = (id: string, what: Pick<Operation, 'tag'>) =>
  ({
    ...what,
    id,
    summary: 'Refused: name a server',
    scopes: ['shares'],
    answers: {},
    faults: { 405: 'Only single servers are shared.' },
  }) satisfies Operation

/** Ids end in `DefaultServer` for the address without a name. */
export function shareOperations(which: 'DefaultServer' | 'Server') {
  return {
    list: {
      ...shares,
      id: `listSharesOf${which}`,
      summary: 'List who may use a server',
      scopes: ['read:shares'],
      query: pageQuery,
      answers: { 200: json('The shares of the server.', sharesPage) },
    },
    grant: {
      ...shares,
      id: `share${which}`,
      summary: 'Share a server with a user or a group',
      description: 'Without `scopes` they may open it. Nobody hands on what they may not do themselves.',
      scopes: ['shares'],
      body: shareChange,
      bodyExample: { user: 'grace', scopes: ['access:servers'] },
      answers: { 200: json('All that they may do with it now.', shareSchema) },
    },
    revoke: {
      ...shares,
      id: `unshare${which}`,
      summary: 'Take a share back, in part or as a whole',
      scopes: ['shares'],
      body: shareChange,
      bodyExample: { user: 'grace' },
      answers: {
        200: json('What is left of it; an empty object when nothing is.', () => shareSchema().or(z.strictObject({}))),
      },
    },
    revokeAll: {
      ...shares,
      id: `unshareWithAll${which}`,
      summary: 'Take all shares of a server back',
      scopes: ['shares'],
      answers: { 204: empty('Nobody else may use it by a share.') },
    },
  } satisfies Record<string, Operation>
}

export const listCodesOfOwner = {
  ...codes,
  id: 'listShareCodesOfOwner',
  summary: 'List the codes for all servers of a user',
  scopes: ['read:shares'],
  query: pageQuery,
  answers: { 200: json('The codes, without their secrets.', codesPage) },
} satisfies Operation

export function codeOperations(which: 'DefaultServer' | 'Server') {
  return {
    list: {
      ...codes,
      id: `listShareCodesOf${which}`,
      summary: 'List the codes for a server',
      scopes: ['read:shares'],
      query: pageQuery,
      answers: { 200: json('The codes, without their secrets.', codesPage) },
    },
    create: {
      ...codes,
      id: `createShareCodeFor${which}`,
      summary: 'Make a code that lets whoever has it use a server',
      scopes: ['shares'],
      body: newCode,
      bodyExample: { expires_in: 86400 },
      answers: {
        200: json(
          'The code itself is in this answer and never shown again.',
          namedSchema('NewShareCode', () =>
            z.strictObject({
              ...codeFields(),
              code: z.string(),
              accept_url: z.string().meta({ description: 'Path of the page that accepts it.' }),
              full_accept_url: z.string().nullable(),
            }),
          ),
        ),
      },
    },
    revoke: {
      ...codes,
      id: `revokeShareCodesOf${which}`,
      summary: 'Revoke a code, or all codes for a server',
      description: 'What was accepted with it stays.',
      scopes: ['shares'],
      query: codeChoice,
      answers: { 204: empty('Revoked.') },
    },
  } satisfies Record<string, Operation>
}

/** What others share with a user or a group. */
export function receivedOperations(kind: 'user' | 'group') {
  const Kind = kind === 'user' ? 'User' : 'Group'
  const params = { name: kind === 'user' ? USER : GROUP }
  return {
    list: {
      ...shares,
      params,
      id: `listSharedWith${Kind}`,
      summary: `List what is shared with a ${kind}`,
      scopes: [`read:${kind}s:shares`],
      query: pageQuery,
      answers: { 200: json('The shares.', sharesPage) },
    } satisfies Operation,
    ofServer: (which: 'DefaultServer' | 'Server') =>
      ({
        show: {
          ...shares,
          params,
          id: `get${which}SharedWith${Kind}`,
          summary: `Show what a ${kind} may do with a server`,
          scopes: [`read:${kind}s:shares`],
          answers: { 200: json('The share.', shareSchema) },
        },
        leave: {
          ...shares,
          params,
          id: `leave${which}SharedWith${Kind}`,
          summary: `Give a share back in the name of a ${kind}`,
          scopes: [`${kind}s:shares`],
          answers: { 204: empty('Given back.') },
        },
      }) satisfies Record<string, Operation>,
  }
}
