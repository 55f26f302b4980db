/** Servers in the REST API, as `serverModel` and `progress-model.ts` show them. */
import { z } from 'zod'
import { timeSchema } from '../../http/answer-schemas.ts'
import { jsonValue } from '../../http/json-body.ts'
import { namedSchema } from '../../http/operation.ts'

export const reasonSchema = namedSchema('Reason', () =>
  z.strictObject({
    code: z.string().meta({ description: 'Stable name of the reason.' }),
    message: z.string(),
    next_step: z.string().nullable().meta({ description: 'For the person whose server it is.' }),
    administrator_step: z.string().nullable().meta({ description: 'For who looks after the hub.' }),
  }),
)

export const serverSchema = namedSchema('Server', () =>
  z.strictObject({
    name: z.string().meta({ description: 'Empty for the default server.' }),
    display_name: z.string().nullable(),
    full_name: z.string().meta({ description: '`OWNER/NAME`.' }),
    last_activity: timeSchema().nullable(),
    started: timeSchema().nullable(),
    pending: z.enum(['spawn', 'stop']).nullable().meta({ description: 'What is under way.' }),
    ready: z.boolean(),
    stopped: z.boolean(),
    url: z.string().meta({ description: 'Its path.' }),
    user_options: z.record(z.string(), jsonValue()).nullable().meta({ description: 'With what it was started last.' }),
    progress_url: z.string().meta({ description: 'The path of the events of its start.' }),
    full_url: z.string().nullable(),
    full_progress_url: z.string().nullable(),
    reason: reasonSchema()
      .extend({ failed: z.boolean().meta({ description: 'It was not meant to end.' }) })
      .nullable()
      .meta({ description: 'Why its last run ended.' }),
    state: z
      .record(z.string(), jsonValue())
      .nullable()
      .optional()
      .meta({ description: 'What the spawner remembers. Needs `admin:server_state`.' }),
  }),
)
