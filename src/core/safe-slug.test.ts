import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { safeSlug, uniqueSlug } from './safe-slug.ts'

const NAMES = [
  'gpu',
  'GPU',
  'my server',
  'a-b',
  'a--b',
  '-a-',
  '9lives',
  'Größe ½',
  '日本',
  'İstanbul',
  'x'.repeat(40),
  `${'y'.repeat(29)} z`,
  `9${'8'.repeat(40)}`,
  '...',
  'a_b.c@d',
]

describe('names made safe', () => {
  const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
  it('are those of the released JupyterHub', { skip: !python && 'ORRERY_TEST_JUPYTERHUB_PYTHON is not set' }, () => {
    const text = execFileSync(python!, ['-c', ORACLE], { input: JSON.stringify(NAMES), encoding: 'utf8' })
    assert.deepEqual(
      NAMES.map(name => [safeSlug(name), uniqueSlug(name)]),
      JSON.parse(text),
    )
  })
})

const ORACLE = `
import json, sys
from jupyterhub.slugs import safe_slug
print(json.dumps([[safe_slug(n, avoid_collisions=False), safe_slug(n)] for n in json.load(sys.stdin)]))
`
