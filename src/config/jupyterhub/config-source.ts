/** A mapped Python config as the source of an `orrery.config.ts`. */
import { type ConfigTree, isTree } from '../config-tree.ts'
import { allOptions } from '../option-names.ts'
import { findingText } from './finding-text.ts'
import type { Finding, MappedConfig, Severity } from './trait-rule.ts'

const WIDTH = 100

/**
 * Formatted TypeScript. What could not be carried over stands in comments; while something of it would be unsafe to
 * leave out, the file throws, so that nothing starts with it before a person has decided.
 */
export function configSource({ tree, findings }: Pick<MappedConfig, 'tree' | 'findings'>, from: string): string {
  const names = ['defineConfig', ...['authenticator', 'spawner'].flatMap(part => helperName(tree[part]) ?? [])]
  const refused = findings.filter(one => one.severity === 'refused')
  return `${[
    `import { ${names.sort().join(', ')} } from 'orrery'`,
    `// From ${from}, by orrery config import.\n// What that file computed, from the environment for instance, stands here as it was. A secret may be\n// written as { file: '/path' } or { env: 'NAME' } instead.`,
    ...(Object.keys(HEADINGS) as Severity[]).flatMap(severity => commentOf(severity, findings) ?? []),
    ...(refused.length > 0
      ? [
          `throw new Error('decide what becomes of ${refused.map(one => one.setting).join(', ')}, then take this line out')`,
        ]
      : []),
    `export default defineConfig(${objectText(inOrder(tree), 0)})`,
  ].join('\n\n')}\n`
}

const HEADINGS: Readonly<Record<Severity, string>> = {
  refused: 'To be decided, for it would be unsafe to leave out:',
  warning: 'Not carried over:',
  note: 'Without effect:',
}

function commentOf(severity: Severity, findings: readonly Finding[]): string | undefined {
  const told = findings.filter(one => one.severity === severity)
  if (told.length === 0) return undefined
  const lines = told.map(finding => `// - ${findingText(finding).replaceAll(/\s+/g, ' ')}`)
  return [`// ${HEADINGS[severity]}`, ...lines].join('\n')
}

/** The function that `orrery` exports for a described plug-in. */
function helperName(value: unknown): string | undefined {
  if (!isTree(value) || typeof value.kind !== 'string') return undefined
  return value.kind.replace(/-./g, letter => letter[1]!.toUpperCase())
}

/** As the reference lists them. */
function inOrder(tree: ConfigTree, below = ''): ConfigTree {
  const rank = (name: string) => {
    const path = below + name
    return allOptions.findIndex(option => option.path === path || option.path.startsWith(`${path}.`))
  }
  const isSection = (name: string) => below === '' && allOptions.some(option => option.path.startsWith(`${name}.`))
  const sorted = Object.entries(tree).sort(([a], [b]) => rank(a) - rank(b))
  return Object.fromEntries(
    sorted.map(([name, value]) => [name, isTree(value) && isSection(name) ? inOrder(value, `${name}.`) : value]),
  )
}

/** Each entry on lines of its own, whatever its length. */
function objectText(tree: ConfigTree, depth: number): string {
  const entries = Object.entries(tree).map(([name, value]) => {
    const key = `${'  '.repeat(depth + 1)}${keyText(name)}: `
    const helper = depth === 0 && ['authenticator', 'spawner'].includes(name) ? helperName(value) : undefined
    const { kind, ...options } = helper ? (value as ConfigTree) : {} // a helper is of an object
    const inner = Object.keys(options).length > 0 ? valueText(options, depth + 1, key.length) : ''
    return `${key}${helper ? `${helper}(${inner})` : valueText(value, depth + 1, key.length)},\n`
  })
  return `{\n${entries.join('')}${'  '.repeat(depth)}}`
}

/** On one line where that has room for it; `used` characters stand before it. */
function valueText(value: unknown, depth: number, used: number): string {
  const inline = inlineText(value)
  if (used + inline.length < WIDTH) return inline
  if (isTree(value)) return objectText(value, depth)
  if (!Array.isArray(value)) return inline
  const indent = '  '.repeat(depth + 1)
  const entries = value.map(one => `${indent}${valueText(one, depth + 1, indent.length)},\n`)
  return `[\n${entries.join('')}${'  '.repeat(depth)}]`
}

function inlineText(value: unknown): string {
  if (typeof value === 'string') return textLiteral(value)
  if (Array.isArray(value)) return `[${value.map(inlineText).join(', ')}]`
  if (!isTree(value)) return String(value)
  const entries = Object.entries(value).map(([name, one]) => `${keyText(name)}: ${inlineText(one)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

function keyText(name: string): string {
  // As a plain key it would set the prototype.
  if (name === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : textLiteral(name)
}

function textLiteral(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}
