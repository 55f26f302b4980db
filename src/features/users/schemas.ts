import { z } from 'zod'

/** What a request may say of a user. JupyterHub takes `groups` and `roles` here and fails on them; they have endpoints. */
export const userChanges = z.strictObject({
  name: z.string().optional(),
  admin: z.boolean().optional(),
  auth_state: z.record(z.string(), z.json()).optional(),
})

export const newUser = userChanges.optional()

export const newUsers = z.strictObject({
  usernames: z.array(z.string()).min(1).max(1000),
  admin: z.boolean().optional(),
})

export const userStates = z.enum(['active', 'ready', 'inactive'])
export const userOrders = z.enum(['id', 'name', 'last_activity'])
