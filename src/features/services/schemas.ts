import { z } from 'zod'
import { serviceClientId, serviceRedirectUri, serviceUrl } from '../../config/service-fields.ts'
import { jsonValue } from '../../http/json-body.ts'

const unset = z.literal('').transform(() => undefined)

/** Body of `POST /hub/api/services/NAME`. Empty texts and lists count as not given, as in JupyterHub. */
export const newService = z.strictObject({
  name: z.string().optional(),
  admin: z.boolean().default(false),
  url: unset.or(serviceUrl).optional(),
  api_token: unset.or(z.string()).optional(),
  info: z.record(z.string(), jsonValue()).default({}),
  display: z.boolean().default(true),
  oauth_client_id: unset.or(serviceClientId).optional(),
  oauth_redirect_uri: unset.or(serviceRedirectUri).optional(),
  oauth_no_confirm: z.boolean().default(false),
  oauth_client_allowed_scopes: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  cwd: unset.or(z.string()).optional(),
  user: unset.or(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
})

export type NewService = z.output<typeof newService>
