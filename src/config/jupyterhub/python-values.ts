/** Values of a Python config as python/read_jupyterhub_config.py writes them, and as the rest works with them. */

/** Where in a file something was set. */
export interface Place {
  readonly file: string
  readonly line: number
}

/** What JSON, and so a config of ours, cannot hold: a function, a class, an object. */
export class PythonObject {
  readonly kind: 'function' | 'class' | 'other'
  /** Name of the function or class, or type of the object. */
  readonly name: string

  constructor(kind: PythonObject['kind'], name: string) {
    this.kind = kind
    this.name = name
  }
}

/** A plug-in class, as it was given and as Python resolves it. */
export class PythonClass extends PythonObject {
  /** As it stands in the config: `pam`, `jupyterhub.auth.PAMAuthenticator`; undefined when the class itself was given. */
  readonly given: string | undefined
  /** Names of the classes above it, the nearest first; undefined when it was not imported. */
  readonly bases: readonly string[] | undefined
  /** Why it could not be imported. */
  readonly fault: string | undefined

  constructor(facts: { name: string; given?: string; bases?: readonly string[] | null; fault?: string }) {
    super('class', facts.name)
    this.given = facts.given
    this.bases = facts.bases ?? undefined
    this.fault = facts.fault
  }
}

export class PythonBytes {
  readonly hex: string
  constructor(hex: string) {
    this.hex = hex
  }
}

/** `c.Spawner.args.append('x')`: changes to a list, set or dict whose first value is set elsewhere, or the default. */
export class LazyChange {
  readonly inserts: readonly (readonly [number, unknown])[]
  readonly prepend: readonly unknown[]
  readonly extend: readonly unknown[]
  readonly update: unknown

  constructor(changes: Pick<LazyChange, 'inserts' | 'prepend' | 'extend' | 'update'>) {
    this.inserts = changes.inserts
    this.prepend = changes.prepend
    this.extend = changes.extend
    this.update = changes.update
  }

  /** As traitlets' LazyConfigValue does: lists are inserted into and extended, dicts and sets updated. */
  appliedTo(before: unknown): unknown {
    if (before instanceof LazyChange) return before.followedBy(this)
    if (Array.isArray(before)) {
      const list = [...before]
      for (const [index, value] of this.inserts) list.splice(index, 0, value)
      const added = Array.isArray(this.update) ? this.update : [] // a set is a list here
      return [...this.prepend, ...list, ...this.extend, ...added]
    }
    if (isRecord(before)) return { ...before, ...(isRecord(this.update) ? this.update : {}) }
    // Nothing to start from: what was added says what it is.
    return this.appliedTo(isRecord(this.update) ? {} : [])
  }

  private followedBy(later: LazyChange): LazyChange {
    const both = [this.update, later.update]
    return new LazyChange({
      inserts: [...this.inserts, ...later.inserts],
      prepend: [...later.prepend, ...this.prepend],
      extend: [...this.extend, ...later.extend],
      update: both.every(isRecord)
        ? { ...(this.update as object), ...(later.update as object) } // both are, as was just asked
        : both.every(Array.isArray)
          ? both.flat()
          : (later.update ?? this.update),
    })
  }
}

type Tagged =
  | { $: 'dict'; items: [unknown, unknown][] }
  | { $: 'set'; items: unknown[] }
  | { $: 'bytes'; hex: string }
  | { $: 'lazy'; inserts: [number, unknown][]; prepend: unknown[]; extend: unknown[]; update: unknown }
  | { $: 'class'; name: string; given?: string; bases: string[] | null; fault?: string }
  | { $: 'function'; name: string }
  | { $: 'other'; type: string }

/** JSON with its tags as values: sets become lists, dicts plain objects. */
export function decodeValue(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(decodeValue)
  if (!isRecord(json)) return json
  const tagged = json as unknown as Tagged // our own script wrote it
  switch (tagged.$) {
    case 'dict':
      return Object.fromEntries(tagged.items.map(([key, value]) => [String(decodeValue(key)), decodeValue(value)]))
    case 'set':
      return decodeValue(tagged.items)
    case 'bytes':
      return new PythonBytes(tagged.hex)
    case 'lazy':
      return new LazyChange({
        inserts: tagged.inserts.map(([index, value]) => [index, decodeValue(value)]),
        prepend: decodeValue(tagged.prepend) as unknown[],
        extend: decodeValue(tagged.extend) as unknown[],
        update: decodeValue(tagged.update),
      })
    case 'class':
      return new PythonClass(tagged)
    case 'function':
      return new PythonObject('function', tagged.name)
    default:
      return new PythonObject('other', tagged.type)
  }
}

/** The first value anywhere inside that is no plain data; undefined when all is. */
export function findPythonObject(value: unknown): PythonObject | PythonBytes | undefined {
  if (value instanceof PythonObject || value instanceof PythonBytes) return value
  if (Array.isArray(value)) return firstOf(value)
  return isRecord(value) ? firstOf(Object.values(value)) : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  )
}

function firstOf(values: readonly unknown[]): PythonObject | PythonBytes | undefined {
  for (const value of values) {
    const found = findPythonObject(value)
    if (found) return found
  }
  return undefined
}
