import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const sources = join(import.meta.dirname, '..')

describe("Node's HTTP modules", () => {
  it('are imported for their types alone, because an import of values loads fetch as well', () => {
    const inPrograms = (file: string) => !/\.test\.ts$|contract\/|contract\.ts$|testing|fake-/.test(file)

    const heavy = globSync('**/*.ts', { cwd: sources })
      .filter(inPrograms)
      .filter(file => /^import (?!type\b).*from 'node:https?'/m.test(readFileSync(join(sources, file), 'utf8')))

    assert.deepEqual(heavy, [])
  })
})
