import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { makeOld } from '../db/schema/old-schema-testing.ts'

const run = promisify(execFile)

describe('orrery db upgrade', () => {
  it('upgrades once, keeps a copy, and has nothing to do then', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-cli-'))
    const url = `sqlite:///${folder}/jupyterhub.sqlite`
    await makeOld(url, '4621fec11365')

    const first = await orrery(['db', 'upgrade', '--db', url])
    const second = await orrery(['db', 'upgrade', '--db', url])

    assert.match(first.stdout, /upgraded from 4621fec11365 to f460b0348206/)
    assert.match(second.stdout, /of this version already/)
    const copies = (await readdir(folder)).filter(name => /^jupyterhub\.sqlite\.\d{4}-/.test(name))
    assert.equal(copies.length, 1)
    await rm(folder, { recursive: true })
  })

  it('tells what is wrong in a sentence, with status 1', async () => {
    await assert.rejects(orrery(['db', 'upgrade', '--db', 'sqlite:////nowhere/x.sqlite']), {
      code: 1,
      stderr: /There is no hub database at this address\.\n/,
    })
  })
})

function orrery(args: readonly string[]) {
  const script = `
    import { Command } from 'commander'
    import { dbCommand } from ${JSON.stringify(new URL('db.ts', import.meta.url).href)}
    await new Command('orrery').addCommand(dbCommand()).parseAsync(process.argv.slice(1), { from: 'user' })`
  return run(process.execPath, ['--input-type=module', '-e', script, ...args], { cwd: process.cwd() })
}
