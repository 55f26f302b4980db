/**
 * A database that the released JupyterHub made: Orrery works on it, with the running servers, tokens and sessions, and
 * the released JupyterHub takes it back.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { descendants } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { type ReferenceHub, startReferenceHub } from '../support/reference-hub.ts'
import { until } from '../support/until.ts'

describe('the database of a released JupyterHub', () => {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-takeover-'))
  let hub: ReferenceHub | undefined
  let orrery: OrreryProcess | undefined
  after(async () => {
    await hub?.stop()
    await orrery?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  it('goes on under Orrery with its users, groups, tokens, sessions and running servers, and back again', async () => {
    hub = await startReferenceHub({
      dir,
      configLines: ['c.JupyterHub.cleanup_servers = False', `c.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`],
    })
    const api = (base: string, path: string, init: RequestInit = {}) =>
      fetch(`${base}/hub/api${path}`, {
        ...init,
        headers: { authorization: `token ${hub!.adminToken}`, 'content-type': 'application/json' },
      })
    const ann = new HttpSession(hub.url)
    assert.equal((await ann.signIn('ann', 'any')).status, 200)
    await api(hub.url, '/groups/physics', { method: 'POST' })
    await api(hub.url, '/groups/physics/users', { method: 'POST', body: '{"users": ["ann"]}' })
    const { token } = (await (
      await api(hub.url, '/users/ann/tokens', { method: 'POST', body: '{"note": "mine"}' })
    ).json()) as { token: string }
    await api(hub.url, '/users/ann/server', { method: 'POST' })
    await until('her server runs', async () => (await model(hub!.url)).servers['']?.ready, 90_000)
    const cookies = ['jupyterhub-hub-login', 'jupyterhub-session-id'].map(name => [name, ann.cookie(name)!] as const)
    const oldUrl = hub.url
    const before = await model(oldUrl)
    for (const child of descendants(hub.pid))
      if (/proxy/.test(child.command.join(' '))) process.kill(child.pid, 'SIGKILL')
    await hub.kill()

    orrery = await startOrrery({
      config: {
        dbUrl: `sqlite:///${dir}/jupyterhub.sqlite`,
        cookieSecretFile: join(dir, 'jupyterhub_cookie_secret'),
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand() },
      },
      // The running server calls the hub where it knows it.
      hubPort: hub.hubPort,
      as: 'plain-user',
    })
    const owner = await (
      await fetch(`${orrery.url}/hub/api/user`, { headers: { authorization: `token ${token}` } })
    ).json()
    assert.partialDeepStrictEqual(owner, { name: 'ann', kind: 'user', groups: ['physics'] })
    const session = new HttpSession(orrery.url)
    for (const [name, value] of cookies) session.setCookie(name, value, name.includes('hub') ? '/hub/' : '/')
    assert.match((await session.go('/hub/home')).at, /\/hub\/home$/)
    await until('her server is adopted', async () => (await model(orrery!.url)).servers['']?.ready)
    assert.equal(
      (await fetch(`${orrery.url}/user/ann/api/status`, { headers: { authorization: `token ${token}` } })).status,
      200,
    )
    assert.equal((await model(orrery.url)).servers['']!.started, before.servers['']!.started)
    await orrery.stop({ keepData: true })

    hub = await startReferenceHub({
      dir,
      configLines: [`c.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`],
      hubPort: hub.hubPort,
    })
    assert.equal((await model(hub.url)).servers['']?.ready, true)
    assert.equal((await fetch(`${hub.url}/hub/api/user`, { headers: { authorization: `token ${token}` } })).status, 200)

    async function model(base: string): Promise<{ servers: Record<string, { ready: boolean; started: string }> }> {
      const answer = await fetch(`${base}/hub/api/users/ann`, {
        headers: { authorization: `token ${hub!.adminToken}` },
      })
      assert.equal(answer.status, 200)
      return (await answer.json()) as { servers: Record<string, { ready: boolean; started: string }> }
    }
  })
})
