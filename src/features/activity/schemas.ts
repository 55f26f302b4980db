import { z } from 'zod'

const SHAPE = 'servers must be a dict of the form {server_name: {last_activity: timestamp}}'
const moment = (whenAbsent: string) =>
  z
    .string({ error: ({ input }) => (input === undefined ? whenAbsent : 'Not a valid timestamp') })
    .meta({ description: 'ISO 8601; UTC where it names no zone.', examples: ['2026-01-15T09:30:00Z'] })

/** What Python takes for false is not there. */
const orNothing = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(value => (isEmpty(value) ? undefined : value), schema.optional())

/** The body of `POST users/NAME/activity`. Its times are read later: what is about no server is refused first. */
export const activityBody = z
  .looseObject(
    {
      last_activity: orNothing(moment('')),
      servers: orNothing(z.record(z.string(), z.looseObject({ last_activity: moment(SHAPE) }, SHAPE), SHAPE)),
    },
    'body must be a json dict',
  )
  .refine(({ last_activity, servers }) => last_activity !== undefined || servers !== undefined, {
    error: 'body must contain at least one of `last_activity` or `servers`',
  })

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0)
}
