import { z } from 'zod'

/** What else ends with the hub; absent: as configured. */
export const shutdown = z.looseObject({ servers: z.boolean().optional(), proxy: z.boolean().optional() }).optional()
