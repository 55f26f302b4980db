/** The released `jupyterhub-singleuser`, started by the spawner as a user. Its hub is a few answers over HTTP. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SpawnError } from '../../core/reason.ts'
import { type Json, type Logger, silentLogger } from '../../core/runtime.ts'
import { systemPython, type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { ServerSpec, Spawner } from '../../plugin/spawner.ts'
import { local } from './local.ts'

const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
const skip = python ? false : 'ORRERY_TEST_JUPYTERHUB_PYTHON names no Python with jupyterhub and jupyterlab'
const SINGLE_USER = 'jupyterhub-singleuser'
const NEVER = new AbortController().signal
const user = { id: 1, name: 'ada', admin: false, groups: [] }

describe('local with the real single-user server', { skip }, () => {
  let launcher: TestLauncher
  let spawner: Spawner<Json, Json>
  const hub = createServer((request, response) => {
    response.setHeader('X-JupyterHub-Version', '6.1.1')
    response.setHeader('Content-Type', 'application/json')
    response.end(request.url === '/hub/api' || request.url === '/hub/api/' ? '{"version":"6.1.1"}' : '{}')
  })
  let hubUrl: string
  let sitePackages: string | undefined
  let command: string[]
  before(async () => {
    await new Promise<void>(done => hub.listen(0, '127.0.0.1', done))
    hubUrl = `http://127.0.0.1:${(hub.address() as { port: number }).port}` // listens on TCP
    // Users cannot run a Python in somebody's home; the machine's own one can use the packages beside it.
    sitePackages = runsForOthers(python!) ? undefined : sitePackagesOf(python!)
    const real = sitePackages ? [systemPython(), '-m', 'jupyterhub.singleuser'] : [join(dirname(python!), SINGLE_USER)]
    launcher = await testLauncher({
      commands: [real, [systemPython()]],
      allowedArguments: ['-m', 'jupyterhub\\.singleuser'],
      allowedEnvironment: ['PYTHONPATH'],
      preload: 'off',
    })
    command = sitePackages ? ['python3'] : [SINGLE_USER]
    spawner = local({ launcher: launcher.client, as: 'own-account' }) as unknown as Spawner<Json, Json> // state is JSON
  })
  after(async () => {
    hub.close()
    await launcher?.close()
  })

  const specFor = (server: string, command: string[], pythonPath = sitePackages): ServerSpec => ({
    key: { user: user.name, server },
    user,
    options: {},
    command,
    environment: ({ ip, port }) => ({
      ...(pythonPath && { PYTHONPATH: pythonPath }),
      JUPYTERHUB_API_TOKEN: 'token',
      JUPYTERHUB_API_URL: `${hubUrl}/hub/api`,
      JUPYTERHUB_ACTIVITY_URL: `${hubUrl}/hub/api/users/ada/activity`,
      JUPYTERHUB_BASE_URL: '/',
      JUPYTERHUB_CLIENT_ID: 'jupyterhub-user-ada',
      JUPYTERHUB_HOST: '',
      JUPYTERHUB_OAUTH_CALLBACK_URL: '/user/ada/oauth_callback',
      JUPYTERHUB_OAUTH_SCOPES: '["access:servers!server=ada/"]',
      JUPYTERHUB_USER: user.name,
      JUPYTERHUB_SERVER_NAME: server,
      JUPYTERHUB_SERVICE_PREFIX: '/user/ada/',
      JUPYTERHUB_SERVICE_URL: `http://${ip}:${port}/user/ada/`,
    }),
    prefix: '/user/ada/',
    notebookDir: '',
    limits: {},
    stopTimeoutMs: 10_000,
  })

  it('starts it, finds it answering and stops it', () => startAndStop(''))

  it('does so when it is preloaded', { skip: skip || (python && !runsForOthers(python)) }, async () => {
    const told = Promise.withResolvers<void>()
    const reasons: unknown[] = []
    const note = (fields: object, message: string) => {
      if (message === 'servers are preloaded') told.resolve()
      if (message === 'servers of this program cannot be preloaded') told.reject(new Error(JSON.stringify(fields)))
      if (message === 'server is not preloaded') reasons.push(fields)
    }
    const log: Logger = { ...silentLogger, info: note, warn: note, child: () => log }
    await launcher.restart({ preload: 'auto', log })
    await told.promise

    await startAndStop('preloaded')
    assert.deepEqual(reasons, [])
    await launcher.restart()
  })

  async function startAndStop(server: string): Promise<void> {
    const spec = specFor(server, command)
    const saved: Json[] = []
    const state = () => saved.at(-1) ?? {}
    const run = {
      signal: NEVER,
      progress: () => {},
      log: silentLogger,
      saveState: async (state: Json) => void saved.push(state),
    }

    const address = await spawner.start(spec, run).catch(async error => {
      throw new Error(`${error}\n${await spawner.logs!(spec.key, state(), 50)}`, { cause: error })
    })
    const response = await fetch(`http://${address.host}:${address.port}/user/ada/api`)

    assert.equal(response.status, 200)
    assert.ok(response.headers.get('x-jupyterhub-version'))
    await spawner.stop(spec.key, state(), { now: false, timeoutMs: 20_000, signal: NEVER })
    assert.deepEqual(await spawner.poll(spec.key, state(), NEVER), { status: 0 })
    assert.deepEqual(await launcher.remains(), [])
  }

  it('tells that a Python environment lacks jupyterhub', async () => {
    const spec = specFor('bare', [systemPython(), '-m', 'jupyterhub.singleuser'], '/nowhere')
    const run = { signal: NEVER, progress: () => {}, log: silentLogger, saveState: async () => {} }
    await assert.rejects(spawner.start(spec, run), error => {
      assert.ok(error instanceof SpawnError)
      assert.equal(error.reason.code, 'singleuser_missing')
      return true
    })
  })
})

function runsForOthers(program: string): boolean {
  if (process.getuid?.() !== 0) return true
  try {
    execFileSync(program, ['-c', ''], { uid: 65_534, gid: 65_534, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function sitePackagesOf(program: string): string {
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"))'
  return execFileSync(program, ['-c', script], { encoding: 'utf8' }).trim()
}
