import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeSelfSigned } from '../self-signed.ts'
import { challengesIn } from './challenges.ts'

const newFolder = () => mkdtempSync(join(tmpdir(), 'challenges-'))

describe('challenges', () => {
  it('are answered by any process that has the folder, until they are cleared', async () => {
    const folder = newFolder()
    const [ordering, asked] = [challengesIn(folder), challengesIn(folder)]
    const pair = await makeSelfSigned(['hub.example.org'], new Date())

    await ordering.putHttp('a_Token-1', 'a_Token-1.thumb')
    await ordering.putAlpn('hub.example.org', pair)
    assert.equal(await asked.findHttp('a_Token-1'), 'a_Token-1.thumb')
    assert.equal(asked.findAlpn('HUB.example.org')?.cert, pair.cert.trim())

    await ordering.clear()
    assert.equal(await asked.findHttp('a_Token-1'), undefined)
    assert.equal(asked.findAlpn('hub.example.org'), undefined)
    assert.ok(existsSync(folder))
  })

  it('give nothing else out of the folder, whatever is asked for', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'secret'), 'key')
    const challenges = challengesIn(folder)
    await challenges.putHttp('there', 'x')

    for (const token of ['../../secret', '..%2F..%2Fsecret', '', 'a/../there', 'there\0', '.']) {
      assert.equal(await challenges.findHttp(token), undefined, token)
    }
    for (const name of ['../http-there', '', '..', '-x', 'a..b'])
      assert.equal(challenges.findAlpn(name), undefined, name)
    await assert.rejects(challenges.putHttp('../x', 'y'), /token or a name/)
  })
})
