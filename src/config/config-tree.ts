/** Plain nested objects of settings: reading and writing by path. */

export type ConfigTree = { [name: string]: unknown }

export function isTree(value: unknown): value is ConfigTree {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A copy down to the objects that are settings; what a site brings itself (a class instance) stays what it is. */
export function copyTree(tree: ConfigTree): ConfigTree {
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, copyValue(value)]))
}

function copyValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyValue)
  return isTree(value) ? copyTree(value) : value
}

export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? (value as ConfigTree)[part as string] : undefined),
    tree,
  )
}

/** The paths that a pattern such as `services.*.apiToken` stands for in this tree. */
export function pathsIn(tree: unknown, pattern: readonly string[]): string[][] {
  const star = pattern.indexOf('*')
  if (star < 0) return [[...pattern]]
  const list = valueAt(tree, pattern.slice(0, star))
  if (!Array.isArray(list)) return []
  return list.flatMap((_, index) =>
    pathsIn(tree, [...pattern.slice(0, star), String(index), ...pattern.slice(star + 1)]),
  )
}

/** Writes into the tree itself, making the objects on the way. */
export function setAt(tree: ConfigTree, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const inner = tree[name]
  const next = isTree(inner) || Array.isArray(inner) ? (inner as ConfigTree) : {} // a list is written by index
  tree[name] = next
  setAt(next, rest, value)
}
