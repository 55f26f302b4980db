import { z } from 'zod'
import { jsonValue } from '../../http/json-body.ts'
import { pageQuery } from '../../http/pagination.ts'

export const groupsQuery = z.object({
  ...pageQuery.shape,
  users: z
    .enum(['count'])
    .optional()
    .meta({ description: 'How many members each group has (`user_count`), in place of their names.' }),
})

export const groupMembers = z.strictObject({
  name: z.string().optional(),
  users: z.array(z.string()).max(10_000).optional(),
  roles: z.array(jsonValue()).optional(),
})

/** JupyterHub takes `roles` and does nothing with them. */
export const newGroup = groupMembers.optional()

export const newGroups = groupMembers.extend({ groups: z.array(z.string()).min(1).max(1000) })

export const groupProperties = z.record(z.string(), jsonValue())
