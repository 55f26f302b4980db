/**
 * Which route owns a path: the longest one whose segments begin it. `/user/ann` owns `/user/ann/lab`, but not
 * `/user/anna`. The rules are those of configurable-http-proxy: runs of slashes at either end do not count, an empty
 * segment in the middle does, letters keep their case. Unlike there, a segment may have any name (`constructor` too).
 */
export interface TrieMatch<T> {
  /** The route's path in its canonical form, `/` or `/a/b`. */
  readonly prefix: string
  readonly value: T
}

interface TrieNode<T> {
  readonly prefix: string
  readonly children: Map<string, TrieNode<T>>
  value: T | undefined
}

export class RouteTrie<T> {
  readonly #root: TrieNode<T> = newNode('/')

  set(path: string, value: T): void {
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      let child = node.children.get(segment)
      if (!child) {
        child = newNode(node.prefix === '/' ? `/${segment}` : `${node.prefix}/${segment}`)
        node.children.set(segment, child)
      }
      node = child
    }
    node.value = value
  }

  /** Removes the route of exactly this path, and the branches that lead to nothing without it. */
  delete(path: string): void {
    const trail: { parent: TrieNode<T>; segment: string }[] = []
    let node = this.#root
    for (const segment of segmentsOf(path)) {
      const child = node.children.get(segment)
      if (!child) return
      trail.push({ parent: node, segment })
      node = child
    }
    node.value = undefined
    for (const { parent, segment } of trail.reverse()) {
      const child = parent.children.get(segment)
      if (!child || child.value !== undefined || child.children.size > 0) return
      parent.children.delete(segment)
    }
  }

  /** The longest route that owns `path` (already percent-decoded, without a query). */
  find(path: string): TrieMatch<T> | undefined {
    let end = path.length
    while (end > 0 && path.charCodeAt(end - 1) === SLASH) end--
    let start = 0
    while (start < end && path.charCodeAt(start) === SLASH) start++

    let node = this.#root
    let owner = node.value === undefined ? undefined : node
    while (start < end) {
      const slash = path.indexOf('/', start)
      const stop = slash === -1 || slash > end ? end : slash
      const child = node.children.get(path.slice(start, stop))
      if (!child) break
      node = child
      if (node.value !== undefined) owner = node
      start = stop + 1
    }
    return owner as TrieMatch<T> | undefined // an owner is only ever a node that has a value
  }
}

/** `/a/b` for `a/b`, `/a/b/` and `//a/b//`: one name for each place in the trie. */
export function canonicalPath(path: string): string {
  return `/${segmentsOf(path).join('/')}`
}

const SLASH = '/'.charCodeAt(0)

function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  return trimmed === '' ? [] : trimmed.split('/')
}

function newNode<T>(prefix: string): TrieNode<T> {
  return { prefix, children: new Map(), value: undefined }
}
