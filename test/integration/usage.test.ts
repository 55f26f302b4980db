/** What a server uses, from the kernel to the page: the real program, a server that eats memory and time when told to. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../support/own-server.ts'
import { until } from '../support/until.ts'

const MB = 2 ** 20
const LIMIT = 300 * MB
const tinyServer = join(import.meta.dirname, '../support/tiny-server.py')

interface Usage {
  readonly memory_bytes: number
  readonly memory_limit_bytes: number | null
  readonly points: readonly { readonly cpu: number | null }[]
  readonly memory_kills: number
}

describe('what a real server uses', () => {
  let orrery: OrreryProcess
  let uma: HttpSession
  let token: string
  before(async () => {
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['root'] },
        servers: { cmd: ['/usr/bin/env', 'python3', tinyServer], memLimit: '300M' },
      },
    })
    uma = await personWithServer(orrery.url, 'uma')
    token = await tokenOf(orrery.url, 'uma')
  })
  after(() => orrery?.stop())

  const ask = async <T>(path: string, who = token): Promise<T> => {
    const answer = await fetch(`${orrery.url}/hub/api/orrery/${path}`, { headers: { authorization: `token ${who}` } })
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()) as T // the API's promise
  }
  const usage = async () => (await ask<{ items: Usage[] }>('usage?points=60')).items[0]
  const tell = (order: string) => fetch(`${orrery.url}/user/uma/${order}`, { method: 'POST' })
  const home = async () => (await uma.go('/hub/home')).text()

  it('is the memory that the kernel counts, on the page too', async () => {
    await tell('eat-here/120')

    const used = await until('its memory is seen', async () => {
      const now = await usage()
      return now && now.memory_bytes > 120 * MB ? now : undefined
    })

    const anonymous = anonymousMemory(serverPid(orrery.dataDir))
    const share = used.memory_bytes / anonymous
    assert.ok(share > 0.8 && share < 1.4, `${used.memory_bytes} told, ${anonymous} by /proc`)
    const words = used.memory_limit_bytes === null ? /Memory<\/span> \d+ MB</ : /Memory<\/span> \d+ MB of 300 MB</
    assert.match(await home(), words)
  })

  it('is the processor time of all its processes', async () => {
    // Between two looks, whenever they come.
    await until('its processors are seen', async () => {
      await tell('spin/500')
      return (await usage())?.points.some(({ cpu }) => (cpu ?? 0) > 0.1)
    })
    assert.match(await home(), /Processor<\/span> \d+ % of/)
  })

  it('tells on the page when a process was killed for it', async context => {
    if ((await usage())?.memory_limit_bytes !== LIMIT) return context.skip('no control groups here')

    await tell('eat/400')

    await until('the kill is told', async () => ((await usage())?.memory_kills ?? 0) > 0)
    assert.match(await home(), /A process of this server was ended[\s\S]*the limit of its memory, 300 MB/)
  })

  it('is nothing any more when it has stopped, and nothing that others may see', async () => {
    const ben = await tokenOf(orrery.url, 'ben')
    assert.deepEqual((await ask<{ items: Usage[] }>('usage', ben)).items, [])
    const root = await tokenOf(orrery.url, 'root')
    const machine = await ask<{ now: { servers: number; disks: { holds: string[] }[] } }>('machine', root)
    assert.equal(machine.now.servers, 1)
    assert.ok(machine.now.disks.some(({ holds }) => holds.includes('data folder')))

    const headers = { authorization: `token ${token}` }
    await fetch(`${orrery.url}/hub/api/users/uma/server`, { method: 'DELETE', headers })

    await until('it is forgotten', async () => (await usage()) === undefined)
  })
})

function serverPid(dataDir: string): number {
  const folder = join(dataDir, 'launcher/records')
  const [record] = readdirSync(folder).map(
    name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { pid: number }, // the launcher's own
  )
  return record!.pid
}

function anonymousMemory(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}
