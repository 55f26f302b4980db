/** Pieces of answers that several parts of the API share. Made when the document is. */
import { z } from 'zod'
import { namedSchema } from './operation.ts'

/** As `jsonTime` writes it. */
export const timeSchema = () => z.string().meta({ format: 'date-time' })

const paginationSchema = namedSchema('Pagination', () =>
  z.strictObject({
    offset: z.int(),
    limit: z.int(),
    total: z.int().meta({ description: 'How many there are in all.' }),
    next: z
      .strictObject({ offset: z.int(), limit: z.int(), url: z.string() })
      .nullable()
      .meta({ description: 'Where the next page is; null on the last one.' }),
  }),
)

/** What `pageEnvelope` writes. */
export const pageOf = <Items extends z.ZodType>(items: Items) =>
  z.strictObject({ items, _pagination: paginationSchema() })

/** What `pageBody` writes: bare, or in the envelope for who asks for it. */
export const listOrPage = <Items extends z.ZodType>(items: Items) => z.union([items, pageOf(items)])

export const ASK_FOR_PAGES =
  'With `Accept: application/jupyterhub-pagination+json` the list comes as a page that tells where the next one is.'
