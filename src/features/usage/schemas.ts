import { z } from 'zod'
import { pageQuery } from '../../http/pagination.ts'

const count = (most: number, about: string) =>
  z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number')
    .transform(Number)
    .refine(number => number <= most, `must be at most ${most}`)
    .optional()
    .meta({ type: 'integer', minimum: 0, maximum: most, description: about })

export const usageQuery = z.object({
  ...pageQuery.shape,
  user: z.string().optional().meta({ description: 'Only the servers of this user.' }),
  points: count(60, 'How many looks of each server. Default 0.'),
})

export const machineQuery = z.object({
  points: count(1440, 'Into how many parts the last day is divided. Default 0: it is left out.'),
})
