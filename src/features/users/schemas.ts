import { z } from 'zod'
import { jsonValue } from '../../http/json-body.ts'
import { pageQuery } from '../../http/pagination.ts'

/** What a request may say of a user. JupyterHub takes `groups` and `roles` here and fails on them; they have endpoints. */
export const userChanges = z.strictObject({
  name: z.string().optional(),
  admin: z.boolean().optional(),
  auth_state: z.record(z.string(), jsonValue()).optional(),
})

export const newUser = userChanges.optional()

export const newUsers = z.strictObject({
  usernames: z.array(z.string()).min(1).max(1000),
  admin: z.boolean().optional(),
})

export const userStates = z.enum(['active', 'ready', 'inactive'])
export const userOrders = z.enum(['id', 'name', 'last_activity', '-id', '-name', '-last_activity'])

export const stoppedQuery = z.object({
  include_stopped_servers: z
    .string()
    .optional()
    .meta({ description: 'Show servers that do not run, too: anything but `0` and `false`.', examples: ['1'] }),
})

export const usersQuery = z.object({
  ...pageQuery.shape,
  ...stoppedQuery.shape,
  state: userStates.optional().meta({
    description: 'Only users with a server that runs, starts or stops; that is ready; or without any of these.',
  }),
  name_filter: z.string().optional().meta({ description: 'Only users whose name holds this text.' }),
  group: z.string().optional().meta({ description: 'Only members of this group. Needs `read:users:groups`.' }),
  admin: z.enum(['true', 'false']).optional().meta({ description: 'Only administrators, or only others.' }),
  sort: userOrders.optional().meta({ description: 'The order; with `-` the other way round.' }),
})
