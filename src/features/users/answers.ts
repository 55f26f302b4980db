/** Users in the REST API, as `userModel` shows them: each field needs its scope, so all but two may be absent. */
import { z } from 'zod'
import { timeSchema } from '../../http/answer-schemas.ts'
import { jsonValue } from '../../http/json-body.ts'
import { namedSchema } from '../../http/operation.ts'
import { serverSchema } from '../servers/answers.ts'

export const userFields = () => ({
  kind: z.literal('user'),
  name: z.string(),
  admin: z.boolean().optional(),
  roles: z.array(z.string()).optional(),
  groups: z.array(z.string()).optional(),
  server: z.string().nullable().optional().meta({ description: 'The path of the default server when it runs.' }),
  pending: z.enum(['spawn', 'stop']).nullable().optional().meta({ description: 'What the default server does.' }),
  created: timeSchema().nullable().optional(),
  last_activity: timeSchema().nullable().optional(),
  auth_state: jsonValue().optional().meta({ description: 'What the sign-in left behind. Needs `admin:auth_state`.' }),
  user_info: jsonValue().optional(),
  servers: z
    .record(z.string(), serverSchema())
    .optional()
    .meta({ description: 'By name. Those that run, start or stop, unless stopped ones are asked for.' }),
})

export const userSchema = namedSchema('User', () => z.strictObject(userFields()))
