/** The culler of the whole program and real single-user servers, with limits of seconds. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const IDLE_SECONDS = 20

describe('servers with a limit of idle time', { timeout: 400_000 }, () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('end behind an open tab, and never while a kernel computes', async () => {
    orrery = await startOrrery({
      args: ['--stop-servers'],
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand(), startTimeout: '2m', httpTimeout: '2m' },
        culler: { idleTimeout: IDLE_SECONDS, every: '1s' },
        log: { level: 'debug' },
      },
    })
    const bea = await visitor(orrery.url, 'bea')
    const ida = await visitor(orrery.url, 'ida')
    await Promise.all([bea.startServer(), ida.startServer()])

    using busy = await bea.openNotebook('import time; time.sleep(3600)')
    await until('her kernel is busy', async () => (await bea.kernels()).includes('busy'))
    using tab = await ida.openNotebook('6 * 7')
    await until('the tab has the answer', () => tab.received().includes('execute_reply'))
    await until('the other kernel rests', async () => (await ida.kernels()).every(state => state === 'idle'))

    const { reason } = await until('the idle one is culled', async () => {
      const server = await ida.server()
      return server.stopped && server
    })
    assert.equal(reason?.code, 'culled_idle')
    assert.match(reason?.message ?? '', /nothing was done on it for 2\d seconds; the limit is 20 seconds\.$/)
    const page = await (await ida.browser.go('/hub/user/ida/')).text()
    assert.match(page, /nothing was done on it for 2\d seconds/)

    const { dataDir } = orrery
    const told = await until('the log says so', () => hubLog(dataDir).find(line => line.msg === 'server culled'))
    assert.partialDeepStrictEqual(told, { user: 'ida', server: '', kernels: 1, busy: 0, connections: 1, rule: 'idle' })
    const keptBusy = () =>
      hubLog(orrery!.dataDir).some(
        line => line.rule === 'busy' && line.user === 'bea' && Number(line.idleSeconds) > IDLE_SECONDS,
      )
    await until('the busy one is kept past the limit', keptBusy)
    assert.equal((await bea.server()).ready, true)
    assert.deepEqual(await bea.kernels(), ['busy'])
    assert.equal(busy.isOpen(), true)
  })
})

describe('users with a limit of idle time', { timeout: 200_000 }, () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('are deleted when nothing of theirs runs, except administrators', async () => {
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['ann'] },
        servers: { cmd: singleUserCommand() },
        culler: { idleTimeout: 2, every: '200ms', cullUsers: true },
      },
    })
    const ann = await visitor(orrery.url, 'ann')
    await visitor(orrery.url, 'tom')

    await until('tom is deleted', async () => (await ann.ask('/users/tom')).status === 404)

    const { dataDir } = orrery
    const culled = await until('the log says so', () => {
      const lines = hubLog(dataDir).filter(line => line.msg === 'user culled')
      return lines.length > 0 && lines
    })
    assert.deepEqual(
      culled.map(({ user, rule }) => [user, rule]),
      [['tom', 'idle']],
    )
    assert.equal((await ann.ask('/users/ann')).status, 200)
  })
})

interface ServerModel {
  ready: boolean
  stopped: boolean
  reason?: { code: string; message: string }
}

async function visitor(url: string, name: string) {
  const browser = new HttpSession(url)
  assert.equal((await browser.signIn(name, 'any')).status, 200)
  const asked = await fetch(`${url}/hub/api/users/${name}/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { username: name, password: 'any' } }),
  })
  const { token } = (await asked.json()) as { token: string } // JupyterHub's model
  const headers = { Authorization: `token ${token}` }
  const own = `${url}/user/${name}/api`
  const server = async () =>
    (await (await fetch(`${url}/hub/api/users/${name}/server`, { headers })).json()) as ServerModel // our own model

  return {
    browser,
    server,
    ask: (path: string) => fetch(`${url}/hub/api${path}`, { headers }),
    async startServer() {
      await fetch(`${url}/hub/api/users/${name}/server`, { method: 'POST', headers })
      await until(`${name}'s server is ready`, async () => (await server()).ready, 150_000)
    },
    async kernels() {
      const answer = await fetch(`${own}/kernels?no_track_activity=1`, { headers })
      return ((await answer.json()) as { execution_state: string }[]).map(kernel => kernel.execution_state) // Jupyter's
    },
    /** As an open page: a kernel, a WebSocket that stays and gives signs of life, and a cell that is run. */
    async openNotebook(code: string) {
      const made = await fetch(`${own}/kernels`, { method: 'POST', headers, body: '{"name": "python3"}' })
      const { id } = (await made.json()) as { id: string } // Jupyter's model
      const socket = new WebSocket(`${own.replace('http', 'ws')}/kernels/${id}/channels`, { headers })
      const received: string[] = []
      socket.on('message', data => received.push(String(data)))
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      socket.on('error', () => {})
      socket.send(JSON.stringify(executeRequest(code)))
      const pings = setInterval(() => socket.readyState === WebSocket.OPEN && socket.ping(), 500)
      return {
        received: () => received.join('\n'),
        isOpen: () => socket.readyState === WebSocket.OPEN,
        [Symbol.dispose]() {
          clearInterval(pings)
          socket.terminate()
        },
      }
    },
  }
}

/** Jupyter's messaging protocol 5.3. */
function executeRequest(code: string) {
  const ids = { msg_id: randomUUID(), session: randomUUID() }
  return {
    channel: 'shell',
    header: { ...ids, msg_type: 'execute_request', username: '', date: new Date().toISOString(), version: '5.3' },
    parent_header: {},
    metadata: {},
    content: { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false },
    buffers: [],
  }
}

function hubLog(dataDir: string): Record<string, unknown>[] {
  return readFileSync(join(dataDir, 'log/hub.log'), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
}
