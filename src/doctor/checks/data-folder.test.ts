import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { prepareDataFolder } from '../../app/data-folder.ts'
import type { Outcome } from '../check.ts'
import { siteFor } from '../testing.ts'
import { dataFolderCheck } from './data-folder.ts'

const isRoot = process.getuid?.() === 0
const worst = (found: readonly Outcome[], item: string) => {
  const own = found.filter(each => each.item === item).map(({ level }) => level)
  return own.includes('failure') ? 'failure' : own[0]
}

async function preparedSite() {
  const made = await siteFor()
  prepareDataFolder(made.site.paths, undefined)
  writeFileSync(made.site.config.cookieSecretFile, 'a'.repeat(64), { mode: 0o600 })
  writeFileSync(join(made.site.paths.hub, 'jupyterhub.sqlite'), '', { mode: 0o600 })
  return made
}

describe('the data folder as the doctor sees it', () => {
  it('is right as the start makes it', async () => {
    await using made = await preparedSite()

    const found = await made.run(dataFolderCheck)

    assert.deepEqual(
      found.filter(({ level }) => level !== 'ok'),
      [],
    )
    for (const item of ['there', 'hub', 'secrets', 'database']) assert.equal(worst(found, item), 'ok', item)
  })

  it('has a hub folder that others can enter', async () => {
    await using made = await preparedSite()
    chmodSync(made.site.paths.hub, 0o755)

    assert.equal(worst(await made.run(dataFolderCheck), 'hub'), 'failure')
  })

  it('has a cookie secret that everybody can read', async () => {
    await using made = await preparedSite()
    chmodSync(made.site.config.cookieSecretFile, 0o644)

    const found = await made.run(dataFolderCheck)

    assert.equal(worst(found, 'secrets'), 'failure')
    assert.match(found.find(({ level }) => level === 'failure')!.message, /forge logins/)
    assert.doesNotMatch(JSON.stringify(found), /aaaa/)
  })

  it('has a database that everybody can change', async () => {
    await using made = await preparedSite()
    chmodSync(join(made.site.paths.hub, 'jupyterhub.sqlite'), 0o666)

    assert.equal(worst(await made.run(dataFolderCheck), 'database'), 'failure')
  })

  it('has files of root that the hub cannot use', { skip: !isRoot && 'takes root' }, async () => {
    await using made = await preparedSite()
    const hubOwner = { uid: 54_321, gid: 54_321 }
    chownSync(made.site.paths.hub, hubOwner.uid, hubOwner.gid)

    const found = await made.run(dataFolderCheck, { hubOwner })

    assert.equal(worst(found, 'database'), 'failure')
    assert.match(found.find(({ item }) => item === 'database')!.nextStep!, /^chown 54321:54321 /)
  })

  it('lies below a folder that others can change', { skip: !isRoot && 'takes root' }, async () => {
    await using made = await siteFor(folder => ({ dataDir: join(folder, 'open', 'data') }))
    mkdirSync(made.site.config.dataDir, { recursive: true })
    chmodSync(join(made.folder, 'open'), 0o777)

    const found = await made.run(dataFolderCheck, { hubOwner: { uid: 54_321, gid: 54_321 } })

    assert.equal(worst(found, 'programs'), 'failure')
  })

  it('is not there yet', async () => {
    await using made = await siteFor(folder => ({ dataDir: join(folder, 'none') }))

    assert.equal(worst(await made.run(dataFolderCheck), 'there'), 'skipped')
  })
})
