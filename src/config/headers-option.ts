import { z } from 'zod'

/** What belongs to single answers: a common value would break or leak them. */
const PER_ANSWER = [
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'location',
  'set-cookie',
  'transfer-encoding',
]

/** Header fields of every answer of the hub, by name: RFC 9110, sections 5.1 and 5.5. */
export const headerRecord = z.record(
  z
    .string()
    .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, { error: 'expected the name of a header' })
    .refine(name => !PER_ANSWER.includes(name.toLowerCase()), {
      error: 'expected another header, this one is for each answer to set',
    }),
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'expected a text without line ends' }),
)
