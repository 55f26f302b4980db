import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../core/runtime.ts'
import { loadCookieSecret } from './cookie-secret.ts'

const HEX = 'ab'.repeat(32)

async function secretPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-secret-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'jupyterhub_cookie_secret')
}
const load = (path: string, env: Record<string, string> = {}) => loadCookieSecret(path, { env, log: silentLogger })

describe('cookie secret', () => {
  it('is made once, in the format of JupyterHub, for the hub alone', async t => {
    const path = await secretPath(t)
    const secret = await load(path)
    assert.equal(await readFile(path, 'utf8'), `${secret.toString('hex')}\n`)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await load(path), secret)
  })

  it('is the same for all that start at once', async t => {
    const path = await secretPath(t)
    const secrets = await Promise.all(Array.from({ length: 8 }, () => load(path)))
    assert.equal(new Set(secrets.map(secret => secret.toString('hex'))).size, 1)
    assert.deepEqual(await readdir(join(path, '..')), ['jupyterhub_cookie_secret'])
  })

  it('comes from the environment where it stands there', async t => {
    const path = await secretPath(t)
    assert.equal((await load(path, { JPY_COOKIE_SECRET: HEX })).toString('hex'), HEX)
    await assert.rejects(load(path, { JPY_COOKIE_SECRET: 'abc' }), { code: 'cookie_secret_invalid' })
  })

  it('is refused when everybody can read it, and closed to the group', async t => {
    const path = await secretPath(t)
    await writeFile(path, HEX)
    await chmod(path, 0o644)
    await assert.rejects(load(path), { code: 'cookie_secret_exposed' })
    await chmod(path, 0o640)
    assert.equal((await load(path)).toString('hex'), HEX)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('of another length or alphabet is refused, without being shown', async t => {
    const path = await secretPath(t)
    for (const text of ['', 'ab'.repeat(16), 'zz'.repeat(32)]) {
      await writeFile(path, text, { mode: 0o600 })
      await assert.rejects(load(path), (error: Error & { code: string }) => {
        assert.equal(error.code, 'cookie_secret_invalid')
        assert.ok(text === '' || !error.message.includes(text))
        return true
      })
    }
  })
})
