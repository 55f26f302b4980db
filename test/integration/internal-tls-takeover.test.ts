/** A server that JupyterHub started with `internal_ssl` goes on under Orrery, by the same authorities. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ensureHubUser } from '../../src/app/start/system-user.ts'
import { HttpSession } from '../support/http-session.ts'
import { startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { descendants, endGroup } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { type ReferenceHub, startReferenceHub } from '../support/reference-hub.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const PREFIX = 'tlstake-'
const name = isRoot ? `${PREFIX}alice` : 'ann'
const testUsers = (action: string) =>
  execFileSync(join(import.meta.dirname, '../testbed/users.sh'), [action], {
    env: { ...process.env, TESTBED_USER_PREFIX: PREFIX },
    stdio: 'ignore',
  })

describe('internal_ssl of a released JupyterHub', { timeout: 300_000 }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-tls-takeover-'))
  const dir = join(dataDir, 'hub')
  let hub: ReferenceHub | undefined
  let orrery: OrreryProcess | undefined
  let server: number | undefined

  after(async () => {
    await hub?.stop()
    await orrery?.stop({ keepData: true })
    if (server !== undefined) endGroup(server)
    if (isRoot) testUsers('down')
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('is taken over with its running servers', async () => {
    chmodSync(dataDir, 0o755)
    mkdirSync(dir)
    if (isRoot) testUsers('up')
    hub = await startReferenceHub({
      dir,
      configLines: [
        'c.JupyterHub.internal_ssl = True',
        // JupyterHub takes them as they are written.
        "c.JupyterHub.hub_bind_url = c.JupyterHub.hub_bind_url.replace('http:', 'https:')",
        "c.ConfigurableHTTPProxy.api_url = c.ConfigurableHTTPProxy.api_url.replace('http:', 'https:')",
        ...(isRoot ? ["c.JupyterHub.spawner_class = 'jupyterhub.spawner.LocalProcessSpawner'"] : []),
        'c.JupyterHub.cleanup_servers = False',
        `c.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`,
        'c.Spawner.start_timeout = c.Spawner.http_timeout = 120',
      ],
    })
    const headers = { authorization: `token ${hub.adminToken}` }
    const api = `${hub.url}/hub/api/users/${name}`
    await new HttpSession(hub.url).signIn(name, 'any')
    const made = await fetch(`${api}/tokens`, { method: 'POST', headers, body: '{"note": "mine"}' })
    const { token } = (await made.json()) as { token: string } // JupyterHub's model
    await fetch(`${api}/server`, { method: 'POST', headers })
    const isReady = async () =>
      ((await (await fetch(api, { headers })).json()) as { servers: { ''?: { ready: boolean } } }).servers['']?.ready
    await until('the server runs', isReady, 120_000)
    const processes = descendants(hub.pid)
    server = processes.find(({ command }) => /singleuser/.test(command.join(' ')))?.pid
    const proxy = processes.find(({ command }) => /configurable-http-proxy/.test(command.join(' ')))
    await hub.kill()
    if (proxy) process.kill(proxy.pid, 'SIGKILL')

    const folder = join(dir, 'internal-ssl')
    const authority = readFileSync(join(folder, 'notebooks-ca/notebooks-ca.crt'), 'utf8')
    if (isRoot) execFileSync('chown', ['-R', String(ensureHubUser(dir).uid), dir])
    orrery = await startOrrery({
      dataDir,
      hubPort: hub.hubPort,
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        spawner: { kind: 'local', accounts: 'linux' },
        servers: { cmd: singleUserCommand() },
        internalTls: { enabled: true, folder },
      },
    })

    const kernel = await startKernel(`${orrery.url}/user/${name}`, token)
    assert.equal(await kernel.run('print(6 * 7)'), '42\n')
    kernel.close()
    // Signing in there has the server ask its new hub.
    const visitor = new HttpSession(orrery.url)
    await visitor.signIn(name, 'any')
    assert.equal((await visitor.go(`/user/${name}/`)).status, 200)
    assert.equal(readFileSync(join(folder, 'notebooks-ca/notebooks-ca.crt'), 'utf8'), authority)
  })
})
