/**
 * Each half works with the other project's half: the released JupyterHub with this proxy, this hub with the released
 * configurable-http-proxy. Each starts a real `jupyterhub-singleuser`, and a kernel runs code through the proxy.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { commandOf, type SpawnedProxy, spawnProxy, TOKEN } from '../../src/proxy/testing/spawn-proxy.ts'
import { type Kernel, startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../support/own-server.ts'
import { descendants, listProcesses, type ProcessInfo, readProcess } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { type ReferenceHub, startReferenceHub } from '../support/reference-hub.ts'
import { until } from '../support/until.ts'

const CODE = 'print(6 * 7 * 1000)'
const RESULT = '42000\n'
/** Of the released hub: servers run as this user, and jupyter-server refuses root. */
const SERVERS = [`c.Spawner.cmd = ${JSON.stringify(singleUserCommand())}`, "c.Spawner.args = ['--allow-root']"]

describe('the released JupyterHub with this proxy', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-halves-'))
  let hub: ReferenceHub
  let token: string

  before(async () => {
    symlinkSync(join(import.meta.dirname, '../../bin/orrery.mjs'), join(folder, 'orrery'))
    hub = await startReferenceHub({
      configLines: [
        'import os',
        `os.environ['PATH'] = '${folder}' + os.pathsep + os.environ['PATH']`,
        "c.ConfigurableHTTPProxy.command = ['orrery', 'proxy']",
        'c.ConfigurableHTTPProxy.check_running_interval = 1',
        "c.Proxy.extra_routes = {'/nobody-there/': 'http://127.0.0.1:1'}",
        ...SERVERS,
      ],
    })
    token = await serverOf(hub, 'ann')
  })
  after(async () => {
    await hub?.stop()
    // JupyterHub forgets a timer when it starts its proxy anew, which may start one more while it ends.
    const isLate = ({ command }: ProcessInfo) => hub && command.includes(new URL(hub.url).port)
    for (const { pid } of listProcesses().filter(isLate)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  it('starts a server and runs a cell', async () => {
    const kernel = await startKernel(`${hub.url}/user/ann`, token)
    assert.equal(await kernel.run(CODE), RESULT)
    kernel.close()
  })

  it('reads the routes and finds them right', async () => {
    const routes = (await (await asTester(hub, '/proxy')).json()) as Record<string, { data: object }>
    assert.deepEqual(Object.keys(routes).sort(), ['/', '/nobody-there/', '/user/ann/'])
    assert.partialDeepStrictEqual(routes['/user/ann/']?.data, { user: 'ann', server_name: '' })

    assert.equal((await asTester(hub, '/proxy', { method: 'POST' })).status, 200)
    assert.doesNotMatch(hub.output(), /Adding missing|Deleting stale|Updating route/)
  })

  it('shows its own error page for a server that does not answer', async () => {
    const answer = await fetch(`${hub.url}/nobody-there/x`)
    assert.equal(answer.status, 503)
    assert.match(await answer.text(), /<title>JupyterHub<\/title>[\s\S]*503/)
  })

  it('starts it again when it was killed, by the process that it knows', async () => {
    const [known] = descendants(hub.pid).filter(({ command }) => command.includes('--error-target'))
    assert.ok(known)

    process.kill(known.pid, 'SIGKILL')

    await until('all of it is gone', () => readProcess(known.pid)?.command[0] !== known.command[0])
    await until('the routes are back', async () => (await statusOf(`${hub.url}/user/ann/api/status`, token)) === 200)
    const kernel = await startKernel(`${hub.url}/user/ann`, token)
    assert.equal(await kernel.run(CODE), RESULT)
    kernel.close()
  })

  it('takes it along when it ends', async () => {
    const parts = descendants(hub.pid).filter(({ command }) => command.includes('--error-target'))

    await hub.stop()

    assert.ok(parts.length > 0)
    await until('the proxy is gone', () => parts.every(({ pid }) => readProcess(pid) === undefined))
  })
})

describe('the released JupyterHub with this proxy, started by somebody else', { timeout: 300_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-halves-'))
  let proxy: SpawnedProxy
  let hub: ReferenceHub
  let kernel: Kernel

  before(async () => {
    proxy = await spawnProxy('orrery', ['--snapshot', join(dir, 'routes.json')])
    hub = await startHub()
  })
  after(async () => {
    kernel?.close()
    await hub?.stop()
    await proxy?.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const startHub = (hubPort?: number) =>
    startReferenceHub({
      dir,
      ...(hubPort !== undefined && { hubPort }),
      proxy: { port: proxy.port, apiUrl: proxy.apiUrl, token: TOKEN },
      configLines: SERVERS,
    })

  it('keeps a kernel connected while the hub is killed and started again', async () => {
    const token = await serverOf(hub, 'ann')
    kernel = await startKernel(`${proxy.url}/user/ann`, token)
    assert.equal(await kernel.run('x = 41'), '')

    await hub.kill()
    assert.equal(await kernel.run('x += 1; print(x)'), '42\n')
    assert.equal(await statusOf(`${proxy.url}/hub/home`, token), 503)
    hub = await startHub(hub.hubPort)

    assert.equal(await kernel.run('print(x)'), '42\n')
    assert.ok(kernel.isConnected())
    const user = (await (await asTester(hub, '/users/ann')).json()) as { servers: Record<string, { ready: boolean }> }
    assert.equal(user.servers['']?.ready, true)
  })

  it('finds servers behind it again when the proxy itself was killed', async () => {
    const { port, apiUrl } = proxy
    await proxy.stop('SIGKILL')
    proxy = await spawnProxy('orrery', ['--snapshot', join(dir, 'routes.json')], {
      port,
      apiPort: Number(new URL(apiUrl).port),
    })

    assert.notEqual(await statusOf(`${proxy.url}/user/ann/api`, ''), 404)
    assert.equal((await asTester(hub, '/proxy', { method: 'POST' })).status, 200)
  })
})

describe('this hub with the released configurable-http-proxy', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess

  before(async () => {
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        proxy: { command: [process.execPath, ...commandOf('configurable-http-proxy')] },
        servers: { cmd: singleUserCommand(), startTimeout: '2m', httpTimeout: '2m' },
      },
    })
  })
  after(() => orrery?.stop())

  it('starts a server and runs a cell, also after the proxy was killed and came back empty', async () => {
    await personWithServer(orrery.url, 'ann')
    const token = await tokenOf(orrery.url, 'ann')
    const first = await startKernel(`${orrery.url}/user/ann`, token)
    assert.equal(await first.run(CODE), RESULT)
    first.close()
    const released = descendants(process.pid).find(({ command }) => /configurable-http-proxy$/.test(command[1] ?? ''))
    assert.ok(released)

    process.kill(released.pid, 'SIGKILL')

    await until('it is gone', () => readProcess(released.pid) === undefined)
    await until('the routes are back', async () => (await statusOf(`${orrery.url}/user/ann/api/status`, token)) === 200)
    const second = await startKernel(`${orrery.url}/user/ann`, token)
    assert.equal(await second.run(CODE), RESULT)
    second.close()
  })
})

/** Makes the user, starts the server by the API, and returns a token of the user's own. */
async function serverOf(hub: ReferenceHub, name: string): Promise<string> {
  await asTester(hub, `/users/${name}`, { method: 'POST' })
  await asTester(hub, `/users/${name}/server`, { method: 'POST' })
  const isReady = async () => {
    const user = (await (await asTester(hub, `/users/${name}`)).json()) as {
      servers: Record<string, { ready: boolean }>
    }
    return user.servers['']?.ready
  }
  await until('the server is ready', isReady, 120_000)
  const made = await asTester(hub, `/users/${name}/tokens`, { method: 'POST', body: '{}' })
  return ((await made.json()) as { token: string }).token
}

function asTester(hub: ReferenceHub, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `token ${hub.adminToken}`, 'content-type': 'application/json' }
  return fetch(`${hub.url}/hub/api${path}`, { ...init, headers })
}

async function statusOf(url: string, token: string): Promise<number> {
  const answer = await fetch(url, { headers: { authorization: `token ${token}` }, redirect: 'manual' })
  await answer.body?.cancel()
  return answer.status
}
