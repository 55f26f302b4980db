import { z } from 'zod'

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
