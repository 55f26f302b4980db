/**
 * What every spawner must do, on the real thing. Register it from the spawner's own test file:
 * `spawnerContract('local', async () => harness)`. The server it runs is `test/support/tiny-server.py` or any other
 * that listens where `JUPYTERHUB_SERVICE_URL` says and answers `PREFIX/api` and `PREFIX/environment`.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { SpawnError } from '../core/reason.ts'
import { type Json, silentLogger } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import { preparePki } from '../pki/internal/change-pki.ts'
import { openHubTls } from '../pki/internal/hub-tls.ts'
import { LOCAL_NAMES, testPki } from '../pki/internal/testing.ts'
import { askServer } from '../spawning/ask-server.ts'
import { tlsVariables } from '../spawning/environment.ts'
import type { Address, BindAddress, ServerSpec, ServerTls, Spawner, UserRecord } from './spawner.ts'

export interface SpawnerHarness {
  readonly spawner: Spawner<Json, Json>
  /** A spawner that knows nothing of what the first one did, as after a restart of the hub. */
  another(): Promise<Spawner<Json, Json>>
  /** Somebody this spawner can run a server for. */
  readonly user: UserRecord
  /** Program and arguments: one that serves, one that prints a line and ends with status 3. */
  readonly commands: { readonly serves: readonly string[]; readonly endsEarly: readonly string[] }
  /** Names of variables that this spawner sets besides those it was given; the documentation lists them. */
  readonly ownVariables: readonly string[]
  /** A state as somebody else, or a broken database, might have left it. */
  readonly garbage?: readonly Json[]
  /** What is left of the user's servers: processes, containers, jobs. Empty when nothing is. */
  remains(): Promise<readonly string[]>
  close(): Promise<void>
}

export interface ContractServer {
  readonly spec: ServerSpec
  readonly saved: Json[]
  readonly progress: string[]
  start(signal?: AbortSignal, onSaved?: () => void): Promise<Address>
  state(): Json
}

const STOP = { now: false, timeoutMs: 10_000 }
const NEVER = new AbortController().signal
const keyOf = (server: string): ServerKey => ({ user: 'ada', server })

export function spawnerContract(name: string, make: () => Promise<SpawnerHarness>): void {
  describe(`${name} keeps the contract of spawners`, () => {
    let harness: SpawnerHarness
    let count = 0
    before(async () => {
      harness = await make()
    })
    after(() => harness?.close())

    const server = (command = harness.commands.serves, tls?: ServerTls) =>
      contractServer(harness.spawner, harness.user, `t${++count}`, command, tls)

    it('starts a server that answers, tells that it runs, stops it and tells how it ended', async () => {
      const { spec, start, state } = server()

      const address = await start()
      await answers(address, spec)
      assert.equal(await harness.spawner.poll(spec.key, state(), NEVER), undefined)
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })

      assert.notEqual(await harness.spawner.poll(spec.key, state(), NEVER), undefined)
      await nothingRemains(harness)
    })

    it('stores its state before it returns, as something JSON can hold', async () => {
      const { spec, start, saved } = server()

      await start()

      assert.ok(saved.length > 0, 'saveState was not called')
      assert.deepEqual(JSON.parse(JSON.stringify(saved.at(-1))), saved.at(-1))
      await harness.spawner.stop(spec.key, saved.at(-1)!, { now: true, timeoutMs: 1000, signal: NEVER })
    })

    it('stops twice, and stops what never was, without an error', async () => {
      const { spec, start, state } = server()
      await start()

      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
      for (const garbage of harness.garbage ?? [{}, { pid: 'x' }]) {
        await harness.spawner.stop({ ...spec.key, server: 'never-was' }, garbage, { ...STOP, signal: NEVER })
        const exit = await harness.spawner.poll({ ...spec.key, server: 'never-was' }, garbage, NEVER)
        assert.notEqual(exit, undefined)
      }
    })

    it('leaves nothing behind when a start is given up, at once or after its state was stored', async () => {
      for (const moment of ['at once', 'when stored']) {
        const giveUp = new AbortController()
        const { spec, start, saved } = server()

        const started = start(giveUp.signal, () => moment === 'when stored' && giveUp.abort(new Error('stop pressed')))
        if (moment === 'at once') giveUp.abort(new Error('stop pressed'))

        await assert.rejects(started)
        await nothingRemains(harness)
        if (saved.length > 0) assert.notEqual(await harness.spawner.poll(spec.key, saved.at(-1)!, NEVER), undefined)
      }
    })

    it('leaves nothing behind when its state cannot be stored', async () => {
      const { spec } = server()
      const run = {
        signal: NEVER,
        saveState: () => Promise.reject(new Error('lease lost')),
        progress: () => {},
        log: silentLogger,
      }

      await assert.rejects(harness.spawner.start(spec, run), /lease lost/)

      await nothingRemains(harness)
    })

    it('finds and stops a server that it did not start itself', async () => {
      const { spec, start, state } = server()
      const address = await start()

      const other = await harness.another()
      assert.equal(await other.poll(spec.key, state(), NEVER), undefined)
      if (other.owns) assert.equal(await other.owns(spec.key, state(), address, NEVER), true)
      if (other.address) assert.deepEqual(await other.address(spec.key, state(), NEVER), address)
      await other.stop(spec.key, state(), { ...STOP, signal: NEVER })

      assert.notEqual(await other.poll(spec.key, state(), NEVER), undefined)
      await nothingRemains(harness)
    })

    it('tells its own server from another program at an address', async t => {
      if (!harness.spawner.owns) return t.skip('the spawner cannot tell')
      const { spec, start, state } = server()
      const address = await start()
      const stranger = createServer()
      await new Promise<void>(done => stranger.listen(0, '127.0.0.1', done))
      const { port } = stranger.address() as { port: number } // listens on TCP

      assert.equal(await harness.spawner.owns(spec.key, state(), address, NEVER), true)
      const elsewhere: Address = { proto: 'http', host: '127.0.0.1', port }
      assert.equal(await harness.spawner.owns(spec.key, state(), elsewhere, NEVER), false)

      stranger.close()
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
      assert.equal(await harness.spawner.owns(spec.key, state(), address, NEVER), false)
    })

    it('moves key and certificate to a server with internal TLS, which then lets in nobody without one', async () => {
      using pki = testPki()
      await preparePki(pki)
      const hub = openHubTls(pki)
      const { spec, start, state } = server(harness.commands.serves, await hub.forServer(keyOf('x'), LOCAL_NAMES))

      const address = await start()

      assert.equal(address.proto, 'https')
      const path = `${spec.prefix}api`
      const asked = { path, timeoutMs: 10_000, signal: NEVER }
      await until('it answers the hub', async () => {
        const answer = await askServer(address, { ...asked, tls: hub.toServer(keyOf('x')) })
        return answer?.status === 200
      })
      assert.equal(await askServer(address, asked), undefined)
      assert.equal(await askServer({ ...address, proto: 'http' }, asked), undefined)
      const other = await harness.another()
      if (other.address) assert.deepEqual(await other.address(spec.key, state(), NEVER), address)
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
      await nothingRemains(harness)
    })

    it('gives the server the environment it was told to, and what its documentation says', async () => {
      const { spec, start, state } = server()
      const address = await start()
      await answers(address, spec)

      const response = await fetch(`http://${address.host}:${address.port}${spec.prefix}environment`)
      const { env } = (await response.json()) as { env: Record<string, string> }
      const given = spec.environment({ ip: address.host, port: address.port })

      for (const [name, value] of Object.entries(given)) assert.equal(env[name], value, name)
      const allowed = new Set([...Object.keys(given), ...harness.ownVariables])
      assert.deepEqual(
        Object.keys(env).filter(name => !allowed.has(name)),
        [],
      )
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
    })

    it('keeps what the server printed', async t => {
      if (!harness.spawner.logs) return t.skip('the spawner keeps no logs')
      const { spec, start, state } = server()
      const address = await start()
      await answers(address, spec)

      assert.match(await harness.spawner.logs(spec.key, state(), 50), /listening on/)
      await harness.spawner.stop(spec.key, state(), { ...STOP, signal: NEVER })
    })

    it('tells why a server ended while it was started', async () => {
      const { start } = server(harness.commands.endsEarly)

      await assert.rejects(start(), error => {
        assert.ok(error instanceof SpawnError, String(error))
        assert.equal(error.reason.code, 'exited_early')
        assert.match(error.reason.message, /3/)
        assert.ok(error.reason.nextStep)
        assert.match(error.reason.logTail ?? '', /on purpose/)
        return true
      })
      await nothingRemains(harness)
    })

    it('runs two servers of one user side by side', async () => {
      const [one, two] = [server(), server()]

      const [first, second] = await Promise.all([one.start(), two.start()])
      await Promise.all([answers(first, one.spec), answers(second, two.spec)])
      await harness.spawner.stop(one.spec.key, one.state(), { ...STOP, signal: NEVER })

      assert.equal(await harness.spawner.poll(two.spec.key, two.state(), NEVER), undefined)
      await harness.spawner.stop(two.spec.key, two.state(), { ...STOP, signal: NEVER })
      await nothingRemains(harness)
    })
  })
}

/** A server as the hub would describe it, with what it stored and told on the way. */
export function contractServer(
  spawner: Spawner<Json, Json>,
  user: UserRecord,
  name: string,
  command: readonly string[],
  tls?: ServerTls,
): ContractServer {
  const key: ServerKey = { user: user.name, server: name }
  const prefix = `/user/${encodeURIComponent(user.name)}/${name}/`
  const spec: ServerSpec = {
    key,
    user,
    options: {},
    command,
    environment: (bind, files) => ({
      ...contractEnvironment(key, prefix, bind, tls ? 'https' : 'http'),
      ...(files && tlsVariables(files)),
    }),
    ...(tls && { tls }),
    prefix,
    notebookDir: '',
    limits: {},
    stopTimeoutMs: STOP.timeoutMs,
  }
  const saved: Json[] = []
  const progress: string[] = []
  return {
    spec,
    saved,
    progress,
    start: (signal = NEVER, onSaved = () => {}) =>
      spawner.start(spec, {
        signal,
        async saveState(state) {
          saved.push(state)
          onSaved()
        },
        progress: event => void progress.push(event.message),
        log: silentLogger,
      }),
    state: () => saved.at(-1) ?? {},
  }
}

function contractEnvironment(
  key: ServerKey,
  prefix: string,
  bind: BindAddress,
  scheme: string,
): Record<string, string> {
  return {
    JUPYTERHUB_API_TOKEN: 'a token that nobody else may see',
    JUPYTERHUB_USER: key.user,
    JUPYTERHUB_SERVER_NAME: key.server,
    JUPYTERHUB_SERVICE_PREFIX: prefix,
    JUPYTERHUB_SERVICE_URL: `${scheme}://${bind.ip}:${bind.port}${prefix}`,
    SPACES_AND_QUOTES: ` a "b" 'c' $(id) \`id\` \\ \n ünïcödé `,
    EMPTY: '',
  }
}

/** Waits until it answers below its prefix; a spawner may return before it does. */
export async function answers(address: Address, spec: ServerSpec): Promise<void> {
  const url = `http://${address.host}:${address.port}${spec.prefix}api`
  await until(`${url} answers`, async () => {
    const response = await fetch(url).catch(() => undefined)
    return response?.status === 200
  })
}

async function nothingRemains(harness: SpawnerHarness): Promise<void> {
  await until('nothing remains', async () => (await harness.remains()).length === 0).catch(async () => {
    assert.deepEqual(await harness.remains(), [])
  })
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (await holds()) return
    await new Promise(wait => setTimeout(wait, 50))
  }
  throw new Error(`${what}: not within 20 seconds`)
}
