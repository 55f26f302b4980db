import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { systemPython } from '../../launcher/testing.ts'
import { levels, siteFor } from '../testing.ts'
import { environmentCheck } from './environment.ts'

const isRoot = process.getuid?.() === 0

/** A program that says it is a jupyterhub-singleuser, whose Python finds packages of these versions. */
function makeEnvironment(folder: string, versions: Record<string, string>): string {
  const bin = join(folder, 'env', 'bin')
  mkdirSync(bin, { recursive: true })
  const packages = join(folder, 'env', 'packages')
  for (const [name, version] of Object.entries(versions)) {
    const facts = join(packages, `${name}-${version}.dist-info`)
    mkdirSync(facts, { recursive: true })
    writeFileSync(join(facts, 'METADATA'), `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`)
  }
  // A Python of its own, as `-I` takes no path from outside.
  writeFileSync(
    join(bin, 'python'),
    `#!/bin/sh\nshift 2\ncode="$1"; shift\nexec ${systemPython()} -S -c "import sys; sys.path.insert(0, '${packages}')\n$code" "$@"\n`,
    { mode: 0o755 },
  )
  const program = join(bin, 'jupyterhub-singleuser')
  writeFileSync(program, `#!${join(bin, 'python')}\n`, { mode: 0o755 })
  chmodSync(folder, 0o755)
  return program
}

describe('the Python environment as the doctor sees it', () => {
  const found = async (versions: Record<string, string>, change: (folder: string) => void = () => {}) => {
    await using made = await siteFor(folder => ({ 'servers.cmd': [makeEnvironment(folder, versions)] }))
    change(made.folder)
    return await made.run(environmentCheck) // before the folder goes
  }

  it('is right', async () => {
    const right = levels(await found({ jupyterhub: '6.1.1', jupyterlab: '4.6.6' }))

    assert.partialDeepStrictEqual(right, { command: 'ok', python: 'ok', jupyterhub: 'ok', interface: 'ok' })
  })

  it('has a jupyterhub that is too old, older, newer or missing', async () => {
    const level = async (versions: Record<string, string>) =>
      levels(await found({ jupyterlab: '4.0.0', ...versions })).jupyterhub

    assert.equal(await level({ jupyterhub: '3.1.1' }), 'failure')
    assert.equal(await level({ jupyterhub: '4.1.6' }), 'warning')
    assert.equal(await level({ jupyterhub: '7.0.0' }), 'warning')
    assert.equal(await level({}), 'failure')
  })

  it('has no pages for people', async () => {
    assert.equal(levels(await found({ jupyterhub: '6.1.1' })).interface, 'warning')
  })

  it('has a program that users cannot run, or a Python that does not start', async () => {
    const closed = await found({ jupyterhub: '6.1.1' }, folder =>
      chmodSync(join(folder, 'env/bin/jupyterhub-singleuser'), 0o644),
    )
    const broken = await found({}, folder =>
      writeFileSync(join(folder, 'env/bin/python'), '#!/bin/sh\necho no module named encodings >&2\nexit 1\n'),
    )

    assert.equal(levels(closed).command, 'failure')
    assert.deepEqual(levels(broken).python, 'failure')
    assert.match(broken[0]!.message, /no module named encodings/)
  })

  it('is in a folder that users cannot enter', { skip: !isRoot && 'takes root' }, async () => {
    const [outcome] = await found({ jupyterhub: '6.1.1' }, folder => chmodSync(join(folder, 'env'), 0o700))

    assert.equal(outcome?.level, 'failure')
    assert.match(outcome?.nextStep ?? '', /namei -l/)
  })

  it('can be changed by others, so that servers are not preloaded', { skip: !isRoot && 'takes root' }, async () => {
    const outcomes = await found({ jupyterhub: '6.1.1' }, folder => chmodSync(join(folder, 'env/bin'), 0o777))

    const preloading = outcomes.find(({ item }) => item === 'preloading')
    assert.equal(preloading?.level, 'warning')
    assert.match(preloading?.message ?? '', /env\/bin can be written by others/)
  })

  it('is a program of the site, of which only is known whether it runs', async () => {
    await using made = await siteFor({ 'servers.cmd': ['/bin/true'] })
    await using missing = await siteFor({ 'servers.cmd': ['/nowhere/start-server'] })

    assert.deepEqual(levels(await made.run(environmentCheck)), { command: 'ok' })
    assert.deepEqual(levels(await missing.run(environmentCheck)), { command: 'failure' })
  })

  it('is on no PATH', async () => {
    await using made = await siteFor({ 'servers.cmd': ['no-such-singleuser'] })

    await assert.rejects(made.run(environmentCheck), { code: 'config_invalid' })
  })

  it('is tried as a Linux user that there is', { skip: !isRoot && 'takes root' }, async () => {
    await using made = await siteFor({ 'servers.cmd': ['/bin/true'] })

    const [right] = await made.run(environmentCheck, { user: 'daemon' })
    await assert.rejects(made.run(environmentCheck, { user: 'no-such-user' }), { code: 'linux_user_missing' })

    assert.match(right!.message, /the Linux user daemon/)
  })
})
