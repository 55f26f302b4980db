/** JSON Schema in words: "list of User", "integer, 1 at least". For people; the document itself is for programs. */
import type { JsonSchema } from '../http/openapi-types.ts'

/** A run of text: plain, code, or a link to a shape. */
export interface Word {
  readonly text: string
  readonly code?: boolean
  readonly href?: string
}
export type Words = readonly Word[]

export interface SchemaField {
  readonly name: string
  readonly required: boolean
  readonly type: Words
  readonly about: Words
}

/** Text with code between backticks. */
export function words(text: string): Words {
  return text
    .split('`')
    .map((part, at) => (at % 2 === 1 ? { text: part, code: true } : { text: part }))
    .filter(({ text: part }) => part !== '')
}

/** What a value may be. */
export function typeWords(schema: JsonSchema): Words {
  const { $ref, anyOf, const: constant, enum: values, type, items, additionalProperties } = schema as Known
  if ($ref !== undefined) return [shapeLink($ref)]
  if (anyOf) return joined(anyOf.map(typeWords), ' or ')
  if (constant !== undefined) return [{ text: JSON.stringify(constant), code: true }]
  if (values)
    return joined(
      values.map(value => [{ text: JSON.stringify(value), code: true }]),
      ' or ',
    )
  if (type === 'array') return items ? [{ text: 'list of ' }, ...typeWords(items)] : [{ text: 'list' }]
  if (type === 'object' && isSchema(additionalProperties) && Object.keys(additionalProperties).length > 0) {
    return [{ text: 'object of ' }, ...typeWords(additionalProperties), { text: ' by name' }]
  }
  return [{ text: `${type ?? 'anything'}${limits(schema as Known)}` }]
}

/** The fields of an object, of a list of objects, and of the alternatives that are no shapes of their own. */
export function fieldsOf(schema: JsonSchema, prefix = ''): readonly SchemaField[] {
  const { anyOf, items, properties, required = [] } = schema as Known
  if (anyOf) return firstOfEachName(anyOf.flatMap(one => fieldsOf(one, prefix)))
  if (items) return fieldsOf(items, prefix)
  return Object.entries(properties ?? {}).flatMap(([name, field]) => [
    {
      name: prefix + (name === '' ? '""' : name),
      required: required.includes(name),
      type: typeWords(field),
      about: words(typeof field.description === 'string' ? field.description : ''),
    },
    ...fieldsOf(field, `${prefix}${name}.`),
  ])
}

interface Known {
  readonly $ref?: string
  readonly anyOf?: readonly JsonSchema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly type?: string
  readonly format?: string
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly minimum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

function limits({ format, minimum, minItems, maxItems }: Known): string {
  const told = [
    format === 'date-time' && 'a time in UTC',
    format !== undefined && format !== 'date-time' && format,
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && `${minimum} at least`,
    minItems !== undefined && `${minItems} at least`,
    maxItems !== undefined && `${maxItems} at most`,
  ].filter(Boolean)
  return told.length > 0 ? `, ${told.join(', ')}` : ''
}

function shapeLink(ref: string): Word {
  const name = ref.slice(ref.lastIndexOf('/') + 1)
  return { text: name, href: `#shape-${name}` }
}

function joined(lists: readonly Words[], between: string): Words {
  return lists.flatMap((list, at) => (at === 0 ? list : [{ text: between }, ...list]))
}

function firstOfEachName(fields: readonly SchemaField[]): readonly SchemaField[] {
  return fields.filter(({ name }, at) => fields.findIndex(field => field.name === name) === at)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null
}
