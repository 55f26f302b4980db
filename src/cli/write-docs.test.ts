import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { packageRoot } from '../app/package-root.ts'
import { stalePages } from './write-docs.ts'

describe('generated pages', () => {
  it('are fresh', async () => {
    assert.deepEqual(await stalePages(packageRoot), [], 'npm run docs writes them')
  })
})
