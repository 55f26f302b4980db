/** Bodies of requests about one server, with the checks, words and habits of JupyterHub 6.1. */
import { z } from 'zod'
import { HubError } from '../../core/errors.ts'
import type { Json } from '../../core/runtime.ts'

type Options = { [name: string]: Json }

export interface ServerBody {
  readonly displayName: string | undefined
  /** Undefined: those of the last start. */
  readonly options: Options | undefined
}

const options = (error: string) => z.record(z.string(), z.unknown(), error)
const displayName = () => z.string('display_name must be a string')

/** Of POST and PUT. */
export const serverBody = z.preprocess(
  nothingWhenEmpty,
  z
    .looseObject(
      {
        display_name: displayName().optional(),
        user_options: options('user_options must be an object or null').nullish(),
      },
      'Body must be a JSON object',
    )
    .optional(),
)

const CHANGEABLE = ['name', 'display_name', 'user_options']

/** Of PATCH. */
export const serverChanges = z.preprocess(
  nothingWhenEmpty,
  z.strictObject(
    {
      name: z.string('name must be a string').nullish(),
      display_name: displayName().nullish(),
      user_options: options('user_options must be a dict').optional(),
    },
    {
      error: issue => {
        if (issue.code === 'unrecognized_keys') {
          return `Unexpected fields: ${issue.keys.join(', ')}, supported fields: ${CHANGEABLE.join(', ')}`
        }
        return issue.input === undefined ? 'Must specify at least one field to modify.' : 'Body must be a JSON object'
      },
    },
  ),
)

/** Of DELETE: `{"remove": true}`, or nothing. */
export const serverRemoval = z
  .looseObject({
    remove: z
      .preprocess(Boolean, z.boolean())
      .optional()
      .meta({ description: 'Forget the server, too, with its name and options.' }),
  })
  .optional()

/** Before version 6 the whole body was the options; a body without the two keys still is. */
export function readServerBody(body: unknown): ServerBody {
  const told = parse(serverBody, body)
  if (!told) return { displayName: undefined, options: undefined }
  if (!('display_name' in told) && !('user_options' in told))
    return { displayName: undefined, options: asOptions(told) }
  return { displayName: told.display_name || undefined, options: asOptions(told.user_options) }
}

export interface ServerChanges extends ServerBody {
  readonly name: string | undefined
}

export function readServerChanges(body: unknown): ServerChanges {
  const { name, display_name, user_options } = parse(serverChanges, body)
  return { name: name ?? undefined, displayName: display_name || undefined, options: asOptions(user_options) }
}

export function readRemove(body: unknown): boolean {
  return serverRemoval.safeParse(body).data?.remove ?? false
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  // JupyterHub looks at the names of the fields first.
  const { issues } = parsed.error
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  throw new HubError('invalid_body', { status: 400, message: issue?.message ?? 'Body must be a JSON object' })
}

function asOptions(value: unknown): Options | undefined {
  return (value ?? undefined) as Options | undefined // came out of JSON, and the schema saw to its being an object
}

/** What Python takes for false: no body, `null`, `{}`, `[]`, `""`, `0`, `false`. */
function nothingWhenEmpty(body: unknown): unknown {
  return !body || (typeof body === 'object' && Object.keys(body).length === 0) ? undefined : body
}
