/** Limits where the system leaves no control groups to the launcher. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Logger } from '../core/runtime.ts'
import { isRoot } from './options.ts'
import { type LimitedServers, limitedServers } from './testing-limits.ts'

const MB = 2 ** 20

describe('limits without control groups', () => {
  const warned: string[] = []
  let servers: LimitedServers
  before(async () => {
    const log: Logger = {
      debug() {},
      info() {},
      warn: (_, text) => void warned.push(text),
      error() {},
      child: () => log,
    }
    servers = await limitedServers({ controlGroups: 'off', log })
  })
  after(() => servers?.close())

  it('hold for the memory of each process, which gets no more and is not ended', async () => {
    const server = await servers.start({ limits: { memoryBytes: 200 * MB } })

    assert.deepEqual(await server.post('eat-here/64'), { eaten: 64 })
    assert.deepEqual(await server.post('eat-here/256'), { eaten: 0 })

    assert.deepEqual(await server.ask('poll'), { running: true })
  })

  it('hold for the processes of a Linux user', { skip: !isRoot() && 'needs root' }, async () => {
    const server = await servers.start({ limits: { tasks: 20 } })

    const { forked } = await server.post('fork/60')

    assert.ok(forked! > 5 && forked! < 20, `${forked} processes`)
  })

  it('tell the person which of them do not hold, and the log once that control groups are missing', async () => {
    const server = await servers.start({ limits: { memoryBytes: 200 * MB, cpus: 1, tasks: 300 } })
    await servers.start({ limits: { cpus: 1 } })

    assert.match(server.warnings.join('\n'), /limit of memory holds for each process/)
    assert.match(server.warnings.join('\n'), /limit of processor cores does not hold/)
    assert.equal(warned.filter(text => text.includes('control groups')).length, 1)
  })

  it('say so when they are asked for', async () => {
    const { limits } = await servers.launcher.client.call('hello', {})

    assert.deepEqual(limits, { groups: 'none', memory: 'process', cpus: 'none', tasks: isRoot() ? 'user' : 'none' })
  })
})
