import type { Compilable, CompiledQuery } from 'kysely'
import type { Db } from '../db/database.ts'

class Placeholder {
  readonly index: number
  constructor(index: number) {
    this.index = index
  }
}

/**
 * A query whose SQL is built once, at its first use; building costs several times what SQLite needs to answer. Its
 * arguments may only be bound as values: no lists, and nothing the shape of the query depends on.
 */
export function compiledQuery<Args extends readonly unknown[], Row>(
  db: Db,
  build: (...args: Args) => Compilable<Row>,
): (...args: Args) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined
  return async (...args) => {
    // Kysely takes any object for a value and hands it through to the parameters, where it is found again below.
    compiled ??= build(...(args.map((_, index) => new Placeholder(index)) as unknown as Args)).compile()
    const parameters = compiled.parameters.map(value => (value instanceof Placeholder ? args[value.index] : value))
    return (await db.executeQuery<Row>({ ...compiled, parameters })).rows
  }
}
