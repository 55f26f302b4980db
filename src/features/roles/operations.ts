import { z } from 'zod'
import { json, namedSchema, type Operation } from '../../http/operation.ts'

const roleSchema = namedSchema('Role', () =>
  z.strictObject({
    kind: z.literal('role'),
    name: z.string(),
    description: z.string(),
    scopes: z.array(z.string()),
    users: z.int().meta({ description: 'How many hold it.' }),
    groups: z.array(z.string()),
    services: z.array(z.string()),
    managed_by_auth: z.boolean().meta({ description: 'The authenticator makes and gives it.' }),
  }),
)

export const listRoles = {
  id: 'listRoles',
  tag: 'roles',
  summary: 'List roles and who holds them',
  scopes: ['read:roles'],
  answers: { 200: json('Every role.', () => z.array(roleSchema())) },
} satisfies Operation
