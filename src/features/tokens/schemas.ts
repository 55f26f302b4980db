import { z } from 'zod'
import { pageQuery } from '../../http/pagination.ts'

export const allTokensQuery = z.object({
  ...pageQuery.shape,
  name_filter: z
    .string()
    .optional()
    .meta({ description: 'Only those of users and services whose name holds this text.' }),
  kind: z.enum(['own', 'application']).optional().meta({
    description: 'Made by people and for their servers, or held by applications since somebody signed in to them.',
  }),
  sort: z
    .enum(['id', '-id', 'last_activity', '-last_activity', 'expires_at', '-expires_at'])
    .optional()
    .meta({ description: 'The order; with `-` the other way round. The newest first if absent.' }),
})

/** The body of `POST users/NAME/tokens`. `auth` goes to the authenticator when nobody is signed in. */
export const tokenWish = z
  .looseObject({
    note: z.string().optional().nullable(),
    expires_in: z.int().optional().nullable(),
    scopes: z.array(z.string()).optional().nullable(),
    roles: z.array(z.string()).optional().nullable(),
    auth: z.unknown().optional(),
  })
  .nullish()
