/** What a start builds for browsers: small enough, only when it must, and never in the way of the hub. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'

const repository = join(import.meta.dirname, '..')
const BUDGET = 180 * 1024

describe('browser code', () => {
  let clone: string
  before(() => {
    clone = mkdtempSync(join(tmpdir(), 'orrery-clone-'))
    const shared = 'src/core/for-browsers'
    for (const part of ['bin', 'ui', shared, 'package.json', 'package-lock.json', 'tsconfig.json']) {
      cpSync(join(repository, part), join(clone, part), {
        recursive: true,
        filter: path => !path.endsWith('node_modules'),
      })
    }
    symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'))
  })
  after(() => rmSync(clone, { recursive: true, force: true }))

  const build = () => spawnSync(process.execPath, [join(clone, 'bin', 'browser-code.mjs')], { encoding: 'utf8' })
  const built = (name: string) => join(clone, 'dist', 'ui', name)

  it('is built once, below its budget, with the licences of what is in it', () => {
    const first = build()
    const again = build()

    assert.equal(first.status, 0, first.stderr)
    assert.match(first.stderr, /Building the admin page.+Built in/s)
    assert.equal(again.stderr, '', 'nothing is done, and nothing said, the second time')
    const compressed = ['admin.js.gz', 'admin.css.gz'].map(name => statSync(built(name)).size)
    const size = compressed.reduce((sum, each) => sum + each)
    assert.ok(size < BUDGET, `${size} bytes`)
    assert.match(readFileSync(built('licenses.md'), 'utf8'), /## react-dom /)
    assert.equal(statSync(built('admin.js')).mode & 0o444, 0o444, 'a hub without rights can read it')
  })

  it('is built again when its sources change, and not for a test', () => {
    appendFileSync(join(clone, 'ui/src/lib/times.test.ts'), '\n// more\n')
    const afterTest = build()
    appendFileSync(join(clone, 'ui/src/admin/admin.css'), '\n.new-rule { color: red }\n')
    const afterSource = build()

    assert.equal(afterTest.stderr, '')
    assert.match(afterSource.stderr, /Built in/)
    assert.match(readFileSync(built('admin.css'), 'utf8'), /new-rule/)
    assert.deepEqual(readdirSync(join(clone, 'dist')), ['ui'], 'nothing is left beside it')
  })

  it('says what to do when it cannot be built, and keeps what was there', () => {
    const before = readFileSync(built('admin.js'), 'utf8')
    writeFileSync(join(clone, 'ui/src/admin/main.tsx'), 'this is no program')

    const { status, stderr } = build()

    assert.equal(status, 1)
    assert.match(stderr, /the admin page could not be built.+npm run build:ui/s)
    assert.equal(readFileSync(built('admin.js'), 'utf8'), before)
  })
})
