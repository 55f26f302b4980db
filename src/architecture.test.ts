/** Imports run downward. The layers are those of the design; a file that needs one above it is in the wrong place. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'

const root = import.meta.dirname

/** First match wins. A file may import its own layer and those below. */
const layers: readonly (readonly [pattern: RegExp, rank: number])[] = [
  [/^cli\//, 6],
  [/^(app|doctor)\//, 5],
  [/^index\.ts$/, 5],
  [/^(pages|oauth|services)\//, 4],
  [/^features\/[^/]+\/api\b/, 4],
  [/^proxy\/control-api/, 4],
  [/^(features|spawning|access|routing|proxy)\//, 3],
  [/^(db|http|pki|config)\//, 2],
  [/^(authenticators|spawners)\//, 2],
  [/^(plugin|launcher)\//, 1],
  [/^core\//, 0],
]

const files = globSync('**/*.ts', { cwd: root }).filter(file => !/\.test\.ts$|contract(\.ts$|\/)|testing/.test(file))
const importsOf = (file: string) =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export)\b[^'"]*?from\s+['"](\.[^'"]+)['"]|import\(['"](\.[^'"]+)['"]\)/gm,
    ),
  ].map(match => relative(root, join(root, dirname(file), match[1] ?? match[2]!)))
const rankOf = (file: string) => layers.find(([pattern]) => pattern.test(file))?.[1]

/** Of the browser programs; what they import of the hub could only be types. */
const SHARED_WITH_BROWSERS = /\/src\/core\/for-browsers\/[a-z-]+\.ts$/ // pure, nothing imported
const uiFolder = join(root, '..', 'ui', 'src')

describe('architecture', () => {
  it('has a layer for every file', () => {
    assert.deepEqual(
      files.filter(file => rankOf(file) === undefined && file !== 'architecture.test.ts'),
      [],
    )
  })

  it('imports downward only', () => {
    const upward = files.flatMap(file =>
      importsOf(file)
        .filter(target => rankOf(target)! > rankOf(file)!)
        .map(target => `${file} -> ${target}`),
    )
    assert.deepEqual(upward, [])
  })

  it('keeps authenticators and spawners apart from the hub: plugin, core, launcher and themselves only', () => {
    const strays = files
      .filter(file => /^(authenticators|spawners)\//.test(file))
      .flatMap(file => {
        const own = file.split('/').slice(0, 2).join('/')
        return importsOf(file)
          .filter(target => !/^(plugin|core|launcher)\//.test(target) && !target.startsWith(own))
          .map(target => `${file} -> ${target}`)
      })
    assert.deepEqual(strays, [])
  })

  it('keeps the browser programs apart from the hub: they share types and words at most', () => {
    const strays = globSync('**/*.{ts,tsx}', { cwd: uiFolder }).flatMap(file =>
      [...readFileSync(join(uiFolder, file), 'utf8').matchAll(/^(?:import|export)\b[^'"]*?from\s+['"](\.[^'"]+)['"]/gm)]
        .filter(([line, target]) => {
          const leaves = relative(uiFolder, join(uiFolder, dirname(file), target!)).startsWith('..')
          return leaves && !/^(import|export) type\b/.test(line) && !SHARED_WITH_BROWSERS.test(target!)
        })
        .map(([, target]) => `${file} -> ${target}`),
    )
    assert.deepEqual(strays, [])
  })

  it('names the authenticators and spawners in app alone', () => {
    const named = files
      .filter(file => !/^(app|cli|authenticators|spawners)\//.test(file))
      .flatMap(file =>
        importsOf(file)
          .filter(target => /^(authenticators|spawners)\//.test(target))
          .map(target => `${file} -> ${target}`),
      )
    assert.deepEqual(named, [])
  })
})
