import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import bcrypt from 'bcryptjs'
import { passwordHasher } from './password-hash.ts'

const CHEAP = { ln: 4, r: 8, p: 1 }

describe('hash of a password', () => {
  it('tells the right one, in any composition of its letters, from others', async () => {
    const hasher = passwordHasher(CHEAP)
    const stored = await hasher.hash('pâté-42')
    assert.match(stored, /^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.equal(await hasher.verify('pâté-42'.normalize('NFD'), stored), 'right')
    assert.equal(await hasher.verify('pate-42', stored), 'wrong')
    assert.equal(await hasher.verify('', stored), 'wrong')
    assert.equal(await hasher.verify('pâté-42\0', stored), 'wrong')
  })

  it('differs each time', async () => {
    const hasher = passwordHasher(CHEAP)
    assert.notEqual(await hasher.hash('same'), await hasher.hash('same'))
  })

  it('is weak when it costs less than today, and goes on working when it costs more', async () => {
    const stored = await passwordHasher(CHEAP).hash('secret')
    assert.equal(await passwordHasher({ ...CHEAP, ln: 5 }).verify('secret', stored), 'weak')
    assert.equal(await passwordHasher({ ...CHEAP, ln: 3 }).verify('secret', stored), 'right')
    assert.equal(await passwordHasher({ ...CHEAP, ln: 5 }).verify('Secret', stored), 'wrong')
  })

  it('of NativeAuthenticator is verified and weak', async () => {
    const stored = await bcrypt.hash('secret', 4)
    const hasher = passwordHasher(CHEAP)
    assert.equal(await hasher.verify('secret', stored), 'weak')
    assert.equal(await hasher.verify('secret', stored.replace('$2b$', '$2a$')), 'weak')
    assert.equal(await hasher.verify('Secret', stored), 'wrong')
    assert.equal(await hasher.verify('secret\0', stored), 'wrong')
  })

  it('that cannot be read, or asks for too much memory, fits nothing', async () => {
    const hasher = passwordHasher(CHEAP)
    const good = await hasher.hash('secret')
    for (const stored of [
      '',
      'secret',
      '!',
      '$scrypt$',
      good.replace('ln=4', 'ln=40'),
      good.replace('r=8', 'r=999'),
      good.slice(0, -30),
    ]) {
      assert.equal(await hasher.verify('secret', stored), 'wrong', stored)
    }
  })

  it('of nobody costs as much as one of somebody', async () => {
    const hasher = passwordHasher({ ln: 13, r: 8, p: 1 })
    const stored = await hasher.hash('secret')
    const cost = async (of: string | undefined) => {
      const before = process.cpuUsage()
      for (let n = 0; n < 5; n++) assert.equal(await hasher.verify('wrong', of), 'wrong')
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const [known, unknown] = [await cost(stored), await cost(undefined)]
    assert.ok(unknown > known / 2 && unknown < known * 2, `${known} and ${unknown} microseconds of CPU`)
  })
})
