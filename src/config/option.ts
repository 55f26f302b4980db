import { z } from 'zod'

/** What is known of an option besides its type: the reference page, `config show` and the messages come from it. */
export interface OptionFacts {
  /** One sentence. */
  readonly description: string
  /** A value as one would write it; for a function its source. */
  readonly example: unknown
  /** The default in words, where it follows from other options or from the machine. */
  readonly computed?: string
  /** Masked wherever values are shown; may be given as `{ file: '/path' }`. */
  readonly secret?: boolean
  /** A path: a relative one starts from the folder of the config file. */
  readonly isPath?: boolean
}

const facts = z.registry<OptionFacts>()

/** Declares one option: its schema with default, one sentence, an example. */
export function option<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  example: unknown,
  more: Omit<OptionFacts, 'description' | 'example'> = {},
): Schema {
  facts.add(schema as z.ZodType, { description, example, ...more })
  return schema
}

/** A group of options; left out, each of them has its default. An unknown name is refused. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const object = z.strictObject(shape)
  return object.prefault({} as z.input<typeof object>)
}

export interface DeclaredOption extends OptionFacts {
  /** `servers.startTimeout` */
  readonly at: readonly string[]
  readonly schema: z.ZodType
}

/** Every option below a schema, in the order of declaration. */
export function* optionsOf(schema: z.ZodType, path: readonly string[] = []): Generator<DeclaredOption> {
  const known = facts.get(schema)
  if (known) yield { ...known, at: path, schema }
  else if (schema instanceof z.ZodPrefault) yield* optionsOf(schema.unwrap() as z.ZodType, path)
  else if (schema instanceof z.ZodObject) {
    for (const [name, inner] of Object.entries(schema.shape)) yield* optionsOf(inner as z.ZodType, [...path, name])
  }
}
