import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isReachableByAll } from './reachable-by-all.ts'
import { runnableByAll } from './runnable-copy.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-copy-'))
after(() => rmSync(folder, { recursive: true }))
chmodSync(folder, 0o755)

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

write('clone/package.json', '{ "type": "module", "dependencies": { "used": "1" }, "devDependencies": { "tool": "1" } }')
write('clone/src/cli/main.ts', "import text from 'used'\nconsole.log(text as string)\n")
write(
  'clone/node_modules/used/package.json',
  '{ "name": "used", "main": "index.js", "dependencies": { "inner": "1" } }',
)
write('clone/node_modules/used/index.js', "module.exports = 'uses ' + require('inner')")
write('clone/node_modules/inner/package.json', '{ "name": "inner", "main": "index.js" }')
write('clone/node_modules/inner/index.js', "module.exports = 'inner'")
write('clone/dist/ui/admin.js', '/* built */')
write('clone/node_modules/tool/package.json', '{ "name": "tool" }')
const program = { root: join(folder, 'clone'), main: join('src', 'cli', 'main.ts'), node: process.execPath }
const copies = join(folder, 'app')

describe('a program that only its owner can read', () => {
  it('is run from where it is when everybody can read it', () => {
    chmodSync(program.root, 0o755)
    const readable = { ...program, node: '/bin/sh' }

    assert.equal(runnableByAll(readable, copies).root, program.root)
  })

  it('is copied with what running takes, and runs', () => {
    chmodSync(program.root, 0o700)

    const { root, node } = runnableByAll(program, copies)

    assert.ok(isReachableByAll(join(root, program.main)))
    assert.deepEqual(readdirSync(join(root, 'node_modules')).sort(), ['inner', 'used'])
    assert.deepEqual(readdirSync(join(root, 'dist', 'ui')), ['admin.js'])
    assert.equal(execFileSync(node, [join(root, program.main)], { encoding: 'utf8' }), 'uses inner\n')
  })

  it('is copied for everybody when it was cloned with a narrow umask', () => {
    write('clone/src/cli/private.ts', 'export {}')
    chmodSync(join(program.root, 'src', 'cli', 'private.ts'), 0o600)
    chmodSync(join(program.root, 'src', 'cli'), 0o700)
    const before = process.umask(0o077)
    try {
      const { root, node } = runnableByAll(program, copies)
      for (const path of [
        join(root, 'src', 'cli', 'private.ts'),
        join(root, 'node_modules', 'inner', 'index.js'),
        node,
      ])
        assert.ok(isReachableByAll(path), path)
    } finally {
      process.umask(before)
    }
  })

  it('is copied again only when it has changed', () => {
    const first = runnableByAll(program, copies).root
    assert.equal(runnableByAll(program, copies).root, first)

    write('clone/src/cli/main.ts', 'console.log(2)\n')

    assert.notEqual(runnableByAll(program, copies).root, first)
    assert.equal(readdirSync(copies).length, 2)
  })
})
