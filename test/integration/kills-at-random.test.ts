/**
 * `kill -9` of hub, proxy and launcher at moments nobody chose, while servers start and stop. Afterwards database,
 * processes and routes tell one story: what is ready runs and is reached, what is stopped does not run.
 * The moments follow from a seed, which a failure prints: ORRERY_TEST_SEED repeats them.
 */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { listProcesses } from '../support/processes.ts'
import { until } from '../support/until.ts'

const USERS = 8
const ROUNDS = 12
const PARTS = ['hub', 'proxy', 'launcher'] as const
type Part = (typeof PARTS)[number]
const seed = Number(process.env.ORRERY_TEST_SEED ?? Date.now() % 1_000_000)

interface ServerModel {
  readonly ready: boolean
  readonly pending: string | null
}

describe(`parts killed at random (seed ${seed})`, () => {
  const random = seededRandom(seed)
  const names = Array.from({ length: USERS }, (_, index) => `user${index}`)
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-random-'))
  const program = join(dataDir, 'tiny-server.py')
  let orrery: OrreryProcess
  let token: string

  before(async () => {
    chmodSync(dataDir, 0o755)
    copyFileSync(join(import.meta.dirname, '../support/tiny-server.py'), program)
    orrery = await startOrrery({
      dataDir,
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['boss'] },
        servers: { cmd: ['/usr/bin/python3', program], pollInterval: 1 },
      },
    })
    const auth = { username: 'boss', password: 'any' }
    const asked = await fetch(`${orrery.url}/hub/api/users/boss/tokens`, {
      method: 'POST',
      body: JSON.stringify({ auth }),
    })
    ;({ token } = (await asked.json()) as { token: string })
    assert.equal((await api('/users', 'POST', { usernames: names })).status, 201)
  })
  after(() => orrery?.stop())

  it('leave rows, processes and routes that agree', async () => {
    // Each part as often as the others: what ends again and again is started again ever later.
    const next: Part[] = []
    for (let round = 0; round < ROUNDS; round++) {
      // Nobody waits for the answers: some requests meet a hub that is just being killed.
      const asked = names.filter(() => random() < 0.6).map(name => wish(name, random() < 0.6 ? 'POST' : 'DELETE'))
      if (next.length === 0) next.push(...shuffled())
      const part = next.pop()!
      await Promise.race([Promise.all(asked), soon(random() * 1500)])
      await orrery.killPart(part)
      await Promise.all(asked)
    }

    const servers = await until('nothing is pending', settledServers, 60_000)
    const running = listProcesses().filter(({ command }) => command.includes(program))
    const ready = names.filter(name => servers.get(name)?.ready)
    assert.deepEqual(running.map(({ pid }) => userOf(pid)).sort(), ready, 'processes that run, servers that are ready')
    for (const name of names) {
      // A proxy that was killed right after it took a route has it back with the hub's next look, a second later.
      await until(
        `${name} is reached if and only if ready`,
        async () => {
          const answer = await fetch(`${orrery.url}/user/${name}/api`, { redirect: 'manual' })
          await answer.body?.cancel()
          return (answer.status === 200) === ready.includes(name)
        },
        10_000,
      )
    }
    for (const name of names) assert.ok([201, 202, 400].includes((await api(`/users/${name}/server`, 'POST')).status))
    const all = await until(
      'all run',
      async () => {
        const now = await settledServers()
        return now && names.every(name => now.get(name)?.ready) && now
      },
      60_000,
    )
    assert.equal(all.size, USERS)
  })

  async function wish(name: string, method: 'POST' | 'DELETE'): Promise<void> {
    // A connection that breaks, or a 503 of a proxy whose hub is gone, is what this test is about.
    await api(`/users/${name}/server`, method).then(
      answer => answer.body?.cancel(),
      () => undefined,
    )
  }

  function api(path: string, method: string, body?: unknown): Promise<Response> {
    return fetch(`${orrery.url}/hub/api${path}`, {
      method,
      headers: { authorization: `token ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  /** Undefined while something still starts or stops. */
  async function settledServers(): Promise<Map<string, ServerModel | undefined> | undefined> {
    const users = (await (await api('/users?include_stopped_servers', 'GET')).json()) as {
      name: string
      servers: Record<string, ServerModel>
    }[]
    const servers = new Map(users.filter(user => names.includes(user.name)).map(user => [user.name, user.servers['']]))
    return [...servers.values()].some(server => server?.pending) ? undefined : servers
  }

  function shuffled(): Part[] {
    return PARTS.map(part => ({ part, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ part }) => part)
  }
})

/** From the environment that the server was started with, readable for its user and for root. */
function userOf(pid: number): string {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  return environment.find(line => line.startsWith('JUPYTERHUB_USER='))?.slice('JUPYTERHUB_USER='.length) ?? `pid ${pid}`
}

/** Not a wait for a condition but the moment of a kill: any moment will do. */
function soon(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** mulberry32: small, and the same everywhere. */
function seededRandom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
