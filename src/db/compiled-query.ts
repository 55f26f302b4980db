import type { Compilable, CompiledQuery } from 'kysely'
import type { Db } from './database.ts'
import { directReadsOf } from './direct-reads.ts'
import { runNow } from './sqlite-dialect.ts'

/** Stands for an argument, or for an item of one that is a list or the columns of a row, while the SQL is built. */
class Placeholder {
  readonly index: number
  readonly item: number | string | undefined
  constructor(index: number, item?: number | string) {
    this.index = index
    this.item = item
  }
}

/** One query is kept for each length of its lists and each choice of columns; pages are of few lengths. */
const SHAPES_KEPT = 300

/**
 * A query whose SQL is built once for each dialect; building costs several times what SQLite needs to answer. Its
 * arguments may only be bound as values: nothing the shape of the query depends on, but for the length of lists, which
 * must not be empty, and the names of columns in plain objects, none of which may be undefined. `db` may be a transaction; statements of SQLite take a shorter way than kysely's.
 */
export function compiledQuery<Args extends readonly unknown[], Row>(
  build: (db: Db, ...args: Args) => Compilable<Row>,
): (db: Db, ...args: Args) => Promise<Row[]> {
  const ofDialect = new WeakMap<object, Map<string, CompiledQuery<Row>>>()

  return async (db, ...args) => {
    const compiled = compiledFor(db, args)
    const parameters = compiled.parameters.map(value => bound(value, args))
    if (compiled.query.kind === 'SelectQueryNode') {
      const rows = directReadsOf(db)?.read<Row>(compiled.sql, parameters)
      if (rows) return rows
    }
    return runNow<Row>(db, compiled.sql, parameters) ?? (await db.executeQuery<Row>({ ...compiled, parameters })).rows
  }

  function compiledFor(db: Db, args: Args): CompiledQuery<Row> {
    const dialect = db.getExecutor().adapter.constructor
    const kept = ofDialect.get(dialect) ?? new Map<string, CompiledQuery<Row>>()
    ofDialect.set(dialect, kept)
    const shape = shapeOf(args)
    const before = kept.get(shape)
    if (before) return before
    // Kysely takes any object for a value and hands it through to the parameters, where it is found again.
    const compiled = build(db, ...(args.map(placeholders) as unknown as Args)).compile()
    if (kept.size >= SHAPES_KEPT) kept.delete(kept.keys().next().value!)
    kept.set(shape, compiled)
    return compiled
  }
}

function shapeOf(args: readonly unknown[]): string {
  let shape = ''
  for (const arg of args) {
    if (Array.isArray(arg)) shape += `${arg.length},`
    else if (isColumns(arg)) shape += `${Object.keys(arg).join()};`
  }
  return shape
}

function placeholders(arg: unknown, index: number): unknown {
  if (Array.isArray(arg)) return arg.map((_, item) => new Placeholder(index, item))
  if (!isColumns(arg)) return new Placeholder(index)
  return Object.fromEntries(Object.keys(arg).map(name => [name, new Placeholder(index, name)]))
}

function isColumns(arg: unknown): arg is Record<string, unknown> {
  return typeof arg === 'object' && arg !== null && Object.getPrototypeOf(arg) === Object.prototype
}

function bound(value: unknown, args: readonly unknown[]): unknown {
  if (!(value instanceof Placeholder)) return value
  const arg = args[value.index]
  return value.item === undefined ? arg : (arg as Record<number | string, unknown>)[value.item] // as when it was built
}
