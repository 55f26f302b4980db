import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SpawnError } from '../../core/reason.ts'
import type { Json } from '../../core/runtime.ts'
import { launcherClient } from '../../launcher/client.ts'
import { isRoot } from '../../launcher/options.ts'
import { type TestLauncher, testLauncher } from '../../launcher/testing.ts'
import type { ServerSpec, Spawner } from '../../plugin/spawner.ts'
import { contractServer } from '../../plugin/spawner-contract.ts'
import { local } from './local.ts'

const user = { id: 1, name: 'ada', admin: false, groups: [] }
const NEVER = new AbortController().signal

describe('a local server that cannot start', () => {
  let launcher: TestLauncher
  before(async () => {
    launcher = await testLauncher()
  })
  after(() => launcher?.close())

  function startWith(changes: Partial<ServerSpec>, client = launcher.client) {
    const spawner = local({ launcher: client, as: 'own-account' }) as unknown as Spawner<Json, Json> // state is JSON
    const { spec, start } = contractServer(spawner, user, 'refused', changes.command ?? launcher.command)
    Object.assign(spec, changes)
    return { spawner, spec, started: start() }
  }
  const failsWith = (started: Promise<unknown>, code: string) =>
    assert.rejects(started, error => {
      assert.ok(error instanceof SpawnError, String(error))
      assert.equal(error.reason.code, code)
      assert.ok(error.reason.nextStep || code === 'directory_missing')
      return true
    })

  it('fails with the reason of the launcher', async () => {
    await failsWith(startWith({ command: ['/bin/sh', '-c', 'id'] }).started, 'command_refused')
    await failsWith(startWith({ command: [...launcher.command, '--evil'] }).started, 'argument_refused')
    await failsWith(startWith({ notebookDir: '~/work/{username}' }).started, 'directory_missing')
    await failsWith(startWith({ environment: () => ({ LD_PRELOAD: '/tmp/x.so' }) }).started, 'environment_refused')
    assert.deepEqual(await launcher.remains(), [])
  })

  it('fails with a sentence when there is no launcher', async () => {
    const away = launcherClient({ socketPath: join(launcher.folder, 'nobody.sock'), dialForMs: 0 })
    await failsWith(startWith({}, away).started, 'launcher_unreachable')
  })

  it('starts in a notebook folder that is there', async () => {
    mkdirSync(join(launcher.folder, 'shared-ada'))
    const { spawner, spec, started } = startWith({ notebookDir: join(launcher.folder, 'shared-{username}') })
    await started
    await spawner.stop(spec.key, {}, { now: true, timeoutMs: 1000, signal: NEVER })
    assert.deepEqual(await launcher.remains(), [])
  })

  it('does not hand on what the hub has of its own environment', {
    skip: !isRoot() && 'kept where all are one user',
  }, async () => {
    const { spawner, spec, started } = startWith({
      environment: ({ ip, port }) => ({
        JUPYTERHUB_SERVICE_URL: `http://${ip}:${port}/user/ada/`,
        PATH: '/hub/bin',
        PYTHONPATH: '/hub/lib',
        HOME: '/hub',
      }),
    })
    const { host, port } = await started
    const response = await fetch(`http://${host}:${port}/user/ada/environment`)
    const { env } = (await response.json()) as { env: Record<string, string> }

    assert.ok(!env.PATH?.includes('/hub/bin'))
    assert.equal(env.PYTHONPATH, undefined)
    assert.notEqual(env.HOME, '/hub')
    await spawner.stop(spec.key, {}, { now: true, timeoutMs: 1000, signal: NEVER })
  })
})
