/** Services in the REST API, as `serviceModel` shows them: each field needs its scope. */
import { z } from 'zod'
import { jsonValue } from '../../http/json-body.ts'
import { namedSchema } from '../../http/operation.ts'

export const serviceFields = () => ({
  kind: z.literal('service'),
  name: z.string(),
  roles: z.array(z.string()).optional(),
  admin: z.boolean().optional(),
  url: z.string().optional(),
  prefix: z.string().optional(),
  command: z.array(z.string()).optional(),
  pid: z.int().optional(),
  info: z.record(z.string(), jsonValue()).optional(),
  display: z.boolean().optional(),
})

export const serviceSchema = namedSchema('Service', () => z.strictObject(serviceFields()))
