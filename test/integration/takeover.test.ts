/**
 * A site moves from the released JupyterHub to Orrery and back, on one database: users, groups, tokens, sessions and
 * running servers. As root the servers are those of a Linux user (LocalProcessSpawner), else the caller's own.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ensureHubUser } from '../../src/app/start/system-user.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { descendants, endGroup } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { type ReferenceHub, startReferenceHub } from '../support/reference-hub.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const USER_PREFIX = 'takeover-'
const name = isRoot ? `${USER_PREFIX}alice` : 'ann'
const testUsers = (action: string) =>
  execFileSync(join(import.meta.dirname, '../testbed/users.sh'), [action], {
    env: { ...process.env, TESTBED_USER_PREFIX: USER_PREFIX },
    stdio: 'ignore',
  })

interface UserModel {
  readonly groups: string[]
  readonly servers: Record<string, { ready: boolean; started: string }>
}

describe('the database of a released JupyterHub', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-takeover-'))
  // Where Orrery keeps its database and its cookie secret, under the names that JupyterHub gives them.
  const dir = join(dataDir, 'hub')
  const spawner = isRoot ? ["c.JupyterHub.spawner_class = 'jupyterhub.spawner.LocalProcessSpawner'"] : []
  const configLines = [
    ...spawner,
    'c.JupyterHub.cleanup_servers = False',
    `c.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`,
  ]
  let hub: ReferenceHub | undefined
  let orrery: OrreryProcess | undefined
  let server: number | undefined

  before(() => {
    chmodSync(dataDir, 0o755)
    mkdirSync(dir)
    if (isRoot) testUsers('up')
  })
  after(async () => {
    await hub?.stop()
    await orrery?.stop({ keepData: true })
    if (server !== undefined) endGroup(server)
    if (isRoot) testUsers('down')
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('goes on under Orrery with everything in it, and back again', async () => {
    // Given a JupyterHub with a user in a group, a token, a session and a running server, which then dies.
    hub = await startReferenceHub({ dir, configLines })
    const browser = new HttpSession(hub.url)
    assert.equal((await browser.signIn(name, 'any')).status, 200)
    await asTester(hub.url, '/groups/physics', { method: 'POST' })
    await asTester(hub.url, '/groups/physics/users', { method: 'POST', body: JSON.stringify({ users: [name] }) })
    const made = await asTester(hub.url, `/users/${name}/tokens`, { method: 'POST', body: '{"note": "mine"}' })
    const { token } = (await made.json()) as { token: string }
    await asTester(hub.url, `/users/${name}/server`, { method: 'POST' })
    await until('the server runs', async () => (await readUser(hub!.url, token)).servers['']?.ready, 90_000)
    const started = (await readUser(hub.url, token)).servers['']!.started
    server = findServer(hub.pid)
    const proxy = descendants(hub.pid).find(({ command }) => /configurable-http-proxy/.test(command.join(' ')))
    await hub.kill()
    if (proxy) process.kill(proxy.pid, 'SIGKILL')

    // When Orrery starts on that database; servers that run call the hub at the port they were told.
    if (isRoot) execFileSync('chown', ['-R', String(ensureHubUser(dir).uid), dir])
    orrery = await startOrrery({
      dataDir,
      hubPort: hub.hubPort,
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        spawner: { kind: 'local', accounts: 'linux' },
        servers: { cmd: singleUserCommand() },
      },
    })

    // Then token, session and server are as they were.
    const owner = await readUser(orrery.url, token)
    assert.deepEqual(owner.groups, ['physics'])
    assert.equal(owner.servers['']?.ready, true)
    assert.equal(owner.servers['']?.started, started)
    const session = new HttpSession(orrery.url)
    for (const cookie of ['jupyterhub-hub-login', 'jupyterhub-session-id']) {
      session.setCookie(cookie, browser.cookie(cookie)!, cookie.includes('hub-login') ? '/hub/' : '/')
    }
    assert.match((await session.go('/hub/home')).at, /\/hub\/home$/)
    const status = await fetch(`${orrery.url}/user/${name}/api/status`, {
      headers: { authorization: `token ${token}` },
    })
    assert.equal(status.status, 200)

    // And when it ends, the released JupyterHub goes on with the same.
    await orrery.stop({ keepData: true })
    hub = await startReferenceHub({ dir, configLines, hubPort: hub.hubPort })
    const again = await readUser(hub.url, token)
    assert.deepEqual(again.groups, ['physics'])
    assert.equal(again.servers['']?.ready, true)
    assert.equal(again.servers['']?.started, started)
  })

  function asTester(base: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `token ${hub!.adminToken}`, 'content-type': 'application/json' }
    return fetch(`${base}/hub/api${path}`, { ...init, headers })
  }

  async function readUser(base: string, token: string): Promise<UserModel> {
    const answer = await fetch(`${base}/hub/api/user`, { headers: { authorization: `token ${token}` } })
    assert.equal(answer.status, 200)
    return (await answer.json()) as UserModel
  }
})

/** The single-user server is a child of the hub in a session of its own, so it leads a process group. */
function findServer(hubPid: number): number | undefined {
  return descendants(hubPid).find(({ command }) => /singleuser/.test(command.join(' ')))?.pid
}
