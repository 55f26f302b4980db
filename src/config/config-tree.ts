/** Plain nested objects of settings: reading and writing by path. */

export type ConfigTree = { [name: string]: unknown }

export function isTree(value: unknown): value is ConfigTree {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** A copy down to the objects that are settings; what a site brings itself (a class instance) stays what it is. */
export function copyTree(tree: ConfigTree): ConfigTree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => [name, isTree(value) ? copyTree(value) : value]),
  )
}

export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? (value as ConfigTree)[part as string] : undefined),
    tree,
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
  const next = isTree(inner) ? inner : {}
  tree[name] = next
  setAt(next, rest, value)
}
