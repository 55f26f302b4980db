/**
 * An endpoint of the REST API in one declaration: its guard goes by it, its handler parses with its schemas, and the
 * OpenAPI document is made of it. A constant beside the schemas of its feature; a route carries it in its `config`.
 */
import { z } from 'zod'
import type { ApiTag } from './openapi-tags.ts'
import type { PathPart } from './path-parts.ts'

export interface Operation {
  /** Unique in the document: the name of a function in generated clients. */
  readonly id: string
  readonly tag: ApiTag
  /** A few words, without a full stop. */
  readonly summary: string
  /** Markdown. */
  readonly description?: string
  /** Any one of them, held for what the path names. Absent: who may call it is told by `callers`. */
  readonly scopes?: readonly string[]
  /** Lists: some reach of a scope is enough, the answer is narrowed by it. */
  readonly filtered?: boolean
  /** Where no scope is asked for: everybody, or whoever can prove who they are. Default `everybody`. */
  readonly callers?: 'everybody' | 'known'
  /** People see it: refusals are pages, too. */
  readonly page?: boolean
  /** What the parts of the path are, other than those of `PATH_PARTS`. */
  readonly params?: Readonly<Record<string, PathPart>>
  readonly query?: Lazily<z.ZodObject>
  /** What `parseBody` is given. */
  readonly body?: Lazily<z.ZodType>
  /** Default `application/json`. */
  readonly bodyType?: string
  readonly bodyExample?: unknown
  readonly answers: Readonly<Record<number, Answer>>
  /** Refusals beside those that follow from the rest: what is the matter, by status. */
  readonly faults?: Readonly<Record<number, string>>
}

/** A schema that checks nothing while the hub runs need not be made when it starts. */
type Lazily<Schema> = Schema | (() => Schema)

export function madeSchema<Schema extends z.ZodType>(schema: Lazily<Schema>): Schema {
  return typeof schema === 'function' ? schema() : schema
}

export interface Answer {
  readonly description: string
  /** Absent: the body is empty. */
  readonly type?: string
  /** Absent: anything. Made when somebody reads the document: schemas of answers check nothing while the hub runs. */
  readonly schema?: () => z.ZodType
  readonly example?: unknown
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation
  }
}

export function json(description: string, schema: () => z.ZodType, example?: unknown): Answer {
  return { description, type: 'application/json', schema, ...(example === undefined ? {} : { example }) }
}

export function empty(description: string): Answer {
  return { description }
}

/** A stream of events has no schema: OpenAPI 3.1 has no words for what one event is. */
export function stream(description: string, type: string): Answer {
  return { description, type }
}

export function text(description: string, type: string): Answer {
  return { description, type, schema: () => z.string() }
}

/** A schema with a name of its own in the document, made once and when it is first asked for. */
export function namedSchema<Schema extends z.ZodType>(id: string, make: () => Schema): () => Schema {
  let schema: Schema | undefined
  return () => (schema ??= make().meta({ id }) as Schema) // `meta` gives a copy of the same class
}
