import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { findInterpreter } from './python-interpreters.ts'
import { isReachableByAll } from './reachable-by-all.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-python-'))
after(() => rmSync(folder, { recursive: true }))

describe('finding a Python', () => {
  it('passes over programs of that name that are none', async () => {
    const fake = join(folder, 'python3')
    writeFileSync(fake, '#!/bin/sh\nexit 127\n')
    chmodSync(fake, 0o755)

    const found = await findInterpreter({ PATH: `${folder}:${process.env.PATH}` }, false)

    assert.ok(found.minor >= 10)
    assert.ok(found.hasVenv)
  })

  it('for everybody takes none in a private home', async () => {
    const found = await findInterpreter(process.env, true)

    assert.ok(isReachableByAll(found.path), found.path)
  })
})

describe('a path', () => {
  it('is reachable by all when it and every folder above is', () => {
    const inside = join(folder, 'file')
    writeFileSync(inside, '')
    chmodSync(inside, 0o644)

    chmodSync(folder, 0o755)
    assert.equal(isReachableByAll(inside), true)
    chmodSync(folder, 0o700)
    assert.equal(isReachableByAll(inside), false)
  })
})
