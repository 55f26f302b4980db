/**
 * Finds templates: a site's folders first, then the hub's own. `templates/page.html` always names the hub's own, so
 * that a site's `page.html` can extend it (JupyterHub's alias). Faults are told with file and line.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import nunjucks from 'nunjucks'

export const ownTemplates = fileURLToPath(new URL('./templates/', import.meta.url))

const ALIAS = 'templates/'
// Jinja lets a block say that it sees loop variables; nunjucks' blocks always do and do not know the word.
const BLOCK_MODIFIERS = /(\{%[-+]?\s*block\s+\w+)((?:\s+(?:scoped|required))+)(\s*[-+]?%\})/g

export class TemplateLoader implements nunjucks.ILoader {
  readonly #folders: readonly string[]
  readonly #knowsFilter: (name: string) => boolean

  constructor(folders: readonly string[], knowsFilter: (name: string) => boolean) {
    this.#folders = folders
    this.#knowsFilter = knowsFilter
  }

  /** The file a name stands for, or undefined. Names never leave their folder. */
  find(name: string): string | undefined {
    const folders = name.startsWith(ALIAS) ? [ownTemplates] : [...this.#folders, ownTemplates]
    const inside = normalize(name.startsWith(ALIAS) ? name.slice(ALIAS.length) : name)
    if (inside.startsWith('..') || inside.startsWith('/')) return undefined
    return folders.map(folder => join(folder, inside)).find(file => existsSync(file))
  }

  // nunjucks takes `null` for "not here" and then reports the missing template by name.
  getSource(name: string): nunjucks.LoaderSource {
    const path = this.find(name)
    if (path === undefined) return null as unknown as nunjucks.LoaderSource // @types/nunjucks leaves this case out
    const src = readFileSync(path, 'utf8').replace(BLOCK_MODIFIERS, '$1$3')
    this.#refuseUnknownFilters(src, path)
    return { src, path, noCache: false }
  }

  // nunjucks finds an unknown filter only while rendering and then names the page, not the file with the fault.
  #refuseUnknownFilters(source: string, path: string): void {
    const { parser, nodes } = nunjucks as unknown as NunjucksInternals // exported, but not in @types/nunjucks
    let tree: ReturnType<NunjucksInternals['parser']['parse']>
    try {
      tree = parser.parse(source, [], {})
    } catch {
      return // a syntax error is told by the compiler, with file and line
    }
    for (const filter of tree.findAll(nodes.Filter)) {
      if (this.#knowsFilter(filter.name.value)) continue
      throw new Error(
        `(${path}) [Line ${filter.name.lineno + 1}, Column ${filter.name.colno + 1}]\n  filter not found: ${filter.name.value}`,
      )
    }
  }
}

interface NunjucksInternals {
  parser: {
    parse(
      source: string,
      extensions: readonly unknown[],
      options: object,
    ): { findAll(kind: unknown): { name: { value: string; lineno: number; colno: number } }[] }
  }
  nodes: { Filter: unknown }
}
