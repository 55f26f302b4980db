/** How the API refuses: the shape of its errors, and which statuses follow from what an endpoint declares. */
import { z } from 'zod'
import { namedSchema, type Operation } from './operation.ts'

/** What `errorBody` writes. */
export const faultSchema = namedSchema('Error', () =>
  z.strictObject({
    status: z.int().meta({ description: 'The status of the answer.' }),
    message: z.string().meta({ description: 'What is the matter, for the person who asked.' }),
    code: z.string().meta({ description: 'Stable name of the fault; see the reference of errors.' }),
    next_step: z.string().optional().meta({ description: 'What to do about it.' }),
    fields: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'What is wrong with single options, by their names.' }),
    reference: z.string().optional().meta({ description: 'Of server errors: stands in the log beside the cause.' }),
  }),
)

/** Refusals by status: those that follow from the declaration, and its own. */
export function faultsOf(
  { scopes, callers, query, faults }: Operation,
  { hasParams, hasBody }: { hasParams: boolean; hasBody: boolean },
): Record<number, string> {
  return {
    ...((hasParams || query || hasBody) && { 400: 'What was asked is not valid.' }),
    ...((scopes || callers === 'known') && {
      403: 'The caller is not known, may not do this, or has sent no `_xsrf` along with a cookie.',
      429: 'Too many wrong tokens came from this address.',
    }),
    ...(hasParams && { 404: 'There is no such thing, or none that the caller may see.' }),
    ...(hasBody && { 413: 'The body is too large.' }),
    ...faults,
  }
}
