import type { FastifyRequest } from 'fastify'
import { HubError } from '../core/errors.ts'

/** A form as it lies in `request.body`: a text for a field that came once, a list for one that came several times. */
export type FormBody = Readonly<Record<string, string | readonly string[]>>

/** Every field with all its values, as options forms need them. */
export function formFields(request: FastifyRequest): Record<string, string[]> {
  const body = (request.body ?? {}) as FormBody // made by the parsers below
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, [value].flat() as string[]]))
}

/**
 * Every field once. A repeated field is refused rather than guessed at: two parts of a system that pick different ones
 * of two user names are how checks are passed by.
 */
export function formValues(request: FastifyRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(formFields(request)).map(([name, values]) => {
      if (values.length > 1) throw repeatedField(name)
      return [name, values[0]!]
    }),
  )
}

export function urlencodedFields(body: Buffer): FormBody {
  return collect(new URLSearchParams(body.toString('utf8')))
}

/** JupyterHub's spawn form is multipart (RFC 7578). Texts only: an uploaded file is left out. */
export async function multipartFields(contentType: string, body: Buffer): Promise<FormBody> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
    return collect([...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch (cause) {
    throw new HubError('invalid_form', { status: 400, message: 'The form could not be read', cause })
  }
}

function collect(entries: Iterable<[string, string]>): FormBody {
  const fields = new Map<string, string | string[]>()
  for (const [name, value] of entries) {
    const before = fields.get(name)
    // Appended in place: a list that is copied for each of 100 000 repetitions holds the hub up for minutes.
    if (Array.isArray(before)) before.push(value)
    else fields.set(name, before === undefined ? value : [before, value])
  }
  return Object.assign(Object.create(null), Object.fromEntries(fields)) as FormBody // no inherited names
}

function repeatedField(name: string): HubError {
  return new HubError('repeated_field', { status: 400, message: `The field "${name}" was sent more than once` })
}
