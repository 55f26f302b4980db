/** Services of the config under the real program: released clients of JupyterHub, started by the hub, ended with it. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { enterService } from '../support/consent.ts'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { readProcess } from '../support/processes.ts'
import { idleCullerPython, referencePython, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

type User = { name: string; servers: Record<string, { ready: boolean; stopped: boolean }> }

const TOKEN = 'token-of-the-watcher'
const isRoot = process.getuid?.() === 0

describe('services of the config', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-services-'))
  let orrery: OrreryProcess

  before(async () => {
    const [port] = await freePorts(1)
    // Where the hub's user can read it, whoever owns the clone.
    const program = join(folder, 'whoami.py')
    copyFileSync(join(import.meta.dirname, '../support/hub_oauth_service.py'), program)
    chmodSync(folder, 0o755)
    chmodSync(program, 0o644)
    const config = {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true, adminUsers: ['boss'] },
      servers: { cmd: singleUserCommand() },
      services: [
        {
          name: 'culler',
          command: [idleCullerPython(), '-m', 'jupyterhub_idle_culler', '--timeout=5', '--cull-every=2'],
        },
        {
          name: 'whoami',
          url: `http://127.0.0.1:${port}`,
          command: [referencePython(), program],
          environment: { SERVICE_PORT: String(port) },
        },
        { name: 'watcher', apiToken: TOKEN },
        // Only root can become another user.
        ...(isRoot ? [{ name: 'lone', user: 'nobody', command: ['sleep', '1000'] }] : []),
      ],
      roles: [
        {
          name: 'culler',
          scopes: ['list:users', 'read:users:activity', 'read:servers', 'delete:servers'],
          services: ['culler'],
        },
        {
          name: 'watcher',
          scopes: ['list:services', 'read:services', 'read:servers', 'list:users'],
          services: ['watcher'],
        },
        { name: 'user', scopes: ['self', 'access:services!service=whoami'] },
      ],
      groups: { physics: { users: ['ada'] } },
    }
    orrery = await startOrrery({ config })
  })
  after(async () => {
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${orrery.url}/hub/api${path}`, { headers: { authorization: `token ${TOKEN}` } })
    assert.equal(answer.status, 200, path)
    return (await answer.json()) as T // as the REST API has it
  }
  const pidOf = (name: string) =>
    until(`${name} runs`, async () => {
      const { pid } = await ask<{ pid: number }>(`/services/${name}`)
      return pid !== 0 && readProcess(pid) ? pid : undefined
    })

  it('that are web pages are open below /services/ to who signs in with the hub, and stand in the menu', async () => {
    await pidOf('whoami')
    const ada = new HttpSession(orrery.url)
    await ada.signIn('ada', 'any')
    const home = await (await ada.go('/hub/home')).text()
    assert.match(home, /<a href="\/services\/whoami\/">whoami<\/a>/)
    assert.doesNotMatch(home, /services\/(culler|watcher)/)

    const entered = await enterService(ada, '/services/whoami/')
    assert.equal(entered.status, 200)
    assert.partialDeepStrictEqual(await entered.json(), { kind: 'user', name: 'ada' })
  })

  it('start again when they end', async () => {
    const pid = await pidOf('culler')
    process.kill(pid, 'SIGKILL')
    await until('another one runs', async () => (await pidOf('culler')) !== pid)
  })

  it('cull an idle server, by the released idle culler', async () => {
    const eve = new HttpSession(orrery.url)
    await eve.signIn('eve', 'any')
    await eve.go('/hub/spawn/eve')
    const ready = async () => (await ask<User[]>('/users?include_stopped_servers')).find(user => user.name === 'eve')!
    await until('her server is ready', async () => (await ready()).servers['']?.ready === true, 180_000)

    await until(
      'it is stopped',
      async () => Object.values((await ready()).servers).every(server => server.stopped),
      120_000,
    )
    assert.match(orrery.output(), /Culling server|culling server/i)
  })

  it('run as another user where the config says so', { skip: !isRoot && 'needs root' }, async () => {
    const pid = await pidOf('lone')
    assert.equal(readProcess(pid)?.uid, 65_534)
    process.kill(pid, 'SIGKILL')
    await until('it is started again', async () => (await pidOf('lone')) !== pid)
  })

  it('end with Orrery, and what a killed hub left is ended by the next one', async () => {
    const left = await pidOf('whoami')
    const lone = isRoot ? await pidOf('lone') : undefined
    await orrery.killPart('hub')
    const next = await until('the next hub started it anew', async () => {
      const pid = await pidOf('whoami')
      return pid !== left ? pid : undefined
    })
    assert.equal(readProcess(left), undefined)
    const nextLone =
      lone && (await until('so is the other user’s', async () => (await pidOf('lone')) !== lone && pidOf('lone')))

    await orrery.stop({ keepData: true })
    assert.equal(readProcess(next), undefined)
    if (nextLone) assert.equal(readProcess(nextLone), undefined)
  })
})
