import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { sudoersFile } from './sudoers.ts'

const helper = '/usr/local/lib/orrery/sudo-helper'
const visudo = ['/usr/sbin/visudo', '/usr/bin/visudo'].find(path => existsSync(path))

describe('the sudoers file', () => {
  it('lets the hub become people, never root nor itself, and never the other way round', () => {
    const text = sudoersFile({ hubUser: 'orrery', people: { group: 'class' }, helper })
    const rules = text.split('\n').filter(line => line !== '' && !line.startsWith('#') && !line.startsWith('Defaults'))

    assert.deepEqual(rules, [`orrery ALL = (%class, !root, !#0, !orrery) NOPASSWD: ${helper} ""`])
  })

  it('is one that visudo takes, whatever the names are', { skip: !visudo && 'needs sudo' }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-sudoers-'))
    const file = join(folder, 'orrery')
    const check = (text: string) => {
      writeFileSync(file, text, { mode: 0o440 })
      execFileSync(visudo!, ['-c', '-f', file], { stdio: 'pipe' })
      rmSync(file)
    }
    const name = fc
      .stringMatching(/^[A-Za-z_][A-Za-z0-9_.@\\+$-]{0,20}$/)
      .filter(text => !['root', 'ALL'].includes(text))

    check(sudoersFile({ hubUser: 'orrery', people: { group: 'domain users' }, helper }))
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), name, (users, hubUser) => {
        fc.pre(!users.includes(hubUser))
        check(sudoersFile({ hubUser, people: { users }, helper }))
      }),
      { numRuns: 20 },
    )
    rmSync(folder, { recursive: true })
  })

  it('is not printed for root, for nobody, nor for what is no name or path', () => {
    const rule = { hubUser: 'orrery', people: { group: 'class' }, helper }
    const invalid = { code: 'sudo_rule_invalid' }
    assert.throws(() => sudoersFile({ ...rule, people: { users: ['ada', 'root'] } }), invalid)
    assert.throws(() => sudoersFile({ ...rule, people: { users: ['orrery'] } }), invalid)
    assert.throws(() => sudoersFile({ ...rule, people: { users: [] } }), invalid)
    assert.throws(() => sudoersFile({ ...rule, people: { users: ['ALL'] } }), invalid)
    assert.throws(() => sudoersFile({ ...rule, people: { group: 'class\nALL ALL=(ALL) ALL' } }), invalid)
    assert.throws(() => sudoersFile({ ...rule, hubUser: 'a b, ALL' }), invalid)
    assert.throws(() => sudoersFile({ ...rule, helper: 'sudo-helper' }), invalid)
    assert.throws(() => sudoersFile({ ...rule, helper: '/x, /bin/sh' }), invalid)
  })
})
