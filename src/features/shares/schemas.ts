import { z } from 'zod'

const scopes = z.array(z.string()).max(200).nullish()

/** Whom to share with, and what; the same body takes it back. */
export const shareChange = z
  .strictObject({ scopes, user: z.string().min(1).nullish(), group: z.string().min(1).nullish() })
  .refine(({ user, group }) => (user == null) !== (group == null), 'name one user or one group')

const DAY = 86_400

/** Seconds may come as digits in a text, as JupyterHub takes them too. */
const seconds = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
  ])
  .pipe(
    z
      .int()
      .min(60)
      .max(365 * DAY),
  )

/** Which code is meant; neither: all of them. */
export const codeChoice = z.object({
  code: z.string().optional().meta({ description: 'The code itself.' }),
  id: z.string().optional().meta({ description: 'The id of the code, `sc_17` for one.' }),
})

export const newCode = z.strictObject({ scopes, expires_in: seconds.default(DAY) })
