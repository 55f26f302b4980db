/** Servers of a test's own that use memory, processes and processor time when told to. */

import type { Group } from './groups/group.ts'
import type { LauncherOptions } from './options.ts'
import type { Answers, Asked, ServerUsage } from './protocol.ts'
import { serverRecords } from './server-records.ts'
import { type TestLauncher, testLauncher } from './testing.ts'

const ip = '127.0.0.1'
const USER = 'ada'

export interface LimitedServer {
  readonly key: Asked<'start'>['key']
  readonly pid: number
  readonly startTime: string
  readonly warnings: readonly string[]
  /** One of the orders of `test/support/tiny-server.py`, such as `eat/64`. */
  post(order: string): Promise<Record<string, number>>
  ask(op: 'poll'): Promise<Answers['poll']>
  ask(op: 'usage'): Promise<Answers['usage']>
  usage(): Promise<ServerUsage>
  /** Its control group. */
  group(): Group
  stop(): Promise<void>
}

export interface LimitedServers {
  readonly launcher: TestLauncher
  start(asked?: Partial<Asked<'start'>>): Promise<LimitedServer>
  close(): Promise<void>
}

export async function limitedServers(overrides: Partial<LauncherOptions> = {}): Promise<LimitedServers> {
  const launcher = await testLauncher(overrides)
  const { client } = launcher
  let count = 0

  async function start(changes: Partial<Asked<'start'>> = {}): Promise<LimitedServer> {
    const key = changes.key ?? { user: USER, server: `s${++count}` }
    const { port } = await client.call('freePort', { ip })
    const url = `http://${ip}:${port}/user/ada/`
    const environment = {
      JUPYTERHUB_USER: USER,
      JUPYTERHUB_SERVER_NAME: key.server,
      JUPYTERHUB_SERVICE_URL: url,
      ...changes.environment,
    }
    const asked: Asked<'start'> = {
      key,
      as: 'own-account',
      command: [...launcher.command],
      environment,
      directory: '',
      limits: {},
    }
    const { pid, startTime, warnings } = await client.call('start', { ...asked, ...changes, environment })
    const claim = { key, pid, startTime }
    const seen = await client.call('watch', { ...claim, ip, port, waitMs: 20_000 })
    if (seen.seen !== 'listening') throw new Error(`the test server did not listen: ${JSON.stringify(seen)}`)
    const ask = (op: 'poll' | 'usage') => client.call(op, claim)
    return {
      ...claim,
      warnings,
      async post(order) {
        const response = await fetch(`${url}${order}`, { method: 'POST' })
        return (await response.json()) as Record<string, number> // of our own test server
      },
      ask: ask as LimitedServer['ask'], // the answer goes with the operation
      async usage() {
        const answer = await client.call('usage', claim)
        if (!answer.running) throw new Error('the test server has ended')
        return answer
      },
      group() {
        const { group } = serverRecords(launcher.options.stateDir).find(key) ?? {}
        if (!group) throw new Error('the test server has no control group')
        return group
      },
      async stop() {
        await client.call('stop', { ...claim, interruptMs: 0, terminateMs: 0 })
      },
    }
  }

  return { launcher, start, close: launcher.close }
}
