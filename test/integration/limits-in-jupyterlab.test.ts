/** A notebook, and a server, that want more memory than they may have: what the person is told. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { newPerson, type Person, startServer, stopServer } from '../../bench/start/person.ts'
import { HttpSession } from '../support/http-session.ts'
import { startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { listProcesses, readProcess } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const MB = 2 ** 20

describe('memory of servers', { skip: process.getuid?.() !== 0 && 'needs root', timeout: 600_000 }, () => {
  let orrery: OrreryProcess
  let person: Person
  let browser: HttpSession

  before(async () => {
    orrery = await startOrrery({
      args: ['--stop-servers'],
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: {
          cmd: singleUserCommand(),
          preload: 'auto',
          memLimit: '300M',
          applyUserOptions: { memory: 'memLimit' },
          startTimeout: '3m',
          httpTimeout: '3m',
        },
      },
    })
    assert.ok(launcherLog().includes('servers get control groups'), launcherLog())
    await until('servers are preloaded', () => launcherLog().includes('servers are preloaded'), 180_000)
    person = await newPerson({ url: orrery.url, addUser: async () => {} }, 'ada')
    browser = new HttpSession(orrery.url)
    await browser.signIn('ada', 'any')
  })
  after(() => orrery?.stop())

  const launcherLog = () => readFileSync(join(orrery.dataDir, 'log/launcher.log'), 'utf8')
  const page = async (path: string) => (await browser.go(path)).text()

  async function usage() {
    const headers = { authorization: `token ${person.token}` }
    const response = await fetch(`${orrery.url}/hub/api/orrery/usage`, { headers })
    const { items } = (await response.json()) as { items: { memory_limit_bytes: number; memory_kills: number }[] }
    return items[0]
  }

  it('ends the kernel of a notebook that takes too much, while JupyterLab goes on; the home page tells', async () => {
    await startServer(person)
    const kernel = await startKernel(`${orrery.url}/user/ada`, person.token)
    const pid = Number(await kernel.run('import os; print(os.getpid())'))
    await until('it is looked at', async () => (await usage())?.memory_kills === 0)

    const never = kernel.run('much = bytearray(b"x") * (600 * 2**20)')
    never.catch(() => {})

    await until('the kernel is gone', () => readProcess(pid) === undefined)
    await until('it is started again', () => {
      const again = listProcesses().find(({ command }) => command.some(word => word.includes(kernel.id)))
      return again !== undefined && again.pid !== pid
    })
    kernel.close()
    assert.match(await until('the page tells', () => told(page('/hub/home'))), /limit of its memory, 300 MB/)
    assert.partialDeepStrictEqual(await usage(), { memory_limit_bytes: 300 * MB, memory_kills: 1 })
    const headers = { authorization: `token ${person.token}` }
    assert.equal((await fetch(`${orrery.url}/user/ada/api/status`, { headers })).status, 200)
    assert.match(launcherLog(), /processes of a server were ended/)
    await until('the log of the hub tells', () => orrery.output().includes('processes of a server were ended'))
    await stopServer(person)
  })

  it('says why a server could not even start', async () => {
    const body = JSON.stringify({ memory: '12M' })
    const headers = { authorization: `token ${person.token}` }
    await fetch(`${orrery.url}/hub/api/users/ada/server`, { method: 'POST', headers, body })

    const failed = await until('the start has failed', async () => {
      const text = await page('/hub/spawn-pending/ada')
      return text.includes('limit of its memory') && text
    })

    assert.match(failed, /ask for a larger limit/)
  })
})

async function told(text: Promise<string>): Promise<string | undefined> {
  return (await text).includes('was ended at') ? text : undefined
}
