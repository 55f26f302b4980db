import { z } from 'zod'

/** Where a new proxy takes over. Other keys are ignored, as JupyterHub does. */
export const proxyMove = z.looseObject({ api_url: z.url().optional(), auth_token: z.string().optional() })
