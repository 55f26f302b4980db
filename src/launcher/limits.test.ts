/** Limits on the control groups of the machine this runs on, whichever version they are of. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { entriesOf, type Group, usageOfGroup } from './groups/group.ts'
import { readEntry } from './groups/group-files.ts'
import { findGroupsPlace } from './groups/groups-place.ts'
import { isRoot } from './options.ts'
import { type LimitedServers, limitedServers } from './testing-limits.ts'

const MB = 2 ** 20
const KILLED = -9

describe('limits of servers', { skip: whyNot() }, () => {
  let servers: LimitedServers
  before(async () => {
    servers = await limitedServers()
  })
  after(() => servers?.close())

  it('end the process that uses more memory, and the server goes on and tells of it', async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB } })

    assert.deepEqual(await server.post('eat/32'), { ended: 0 })
    assert.deepEqual(await server.post('eat/200'), { ended: KILLED })

    const used = await server.usage()
    assert.equal(used.memoryLimitBytes, 64 * MB)
    assert.equal(used.memoryKills, 1)
    assert.ok(Math.abs(Date.now() - Date.parse(used.lastMemoryKillAt ?? '')) < 60_000)
    assert.deepEqual(await server.ask('poll'), { running: true })
    assert.deepEqual(server.warnings, [])
  })

  it('tell that a server ended for lack of memory', async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB } })

    await assert.rejects(server.post('eat-here/200'))

    await until('the server has ended', async () => !(await server.ask('poll')).running)
    assert.deepEqual(await server.ask('poll'), {
      running: false,
      exit: { signal: 'SIGKILL', reason: 'out_of_memory' },
    })
  })

  it('do not take a server for one that lacked memory when somebody killed it', async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB } })

    process.kill(server.pid, 'SIGKILL')

    await until('the server has ended', async () => !(await server.ask('poll')).running)
    assert.deepEqual(await server.ask('poll'), { running: false, exit: { signal: 'SIGKILL' } })
  })

  it('hold back two processes that want a processor each and have a tenth of one', async () => {
    const server = await servers.start({ limits: { cpus: 0.1 } })
    const group = server.group()
    const folder = group.kind === 'cgroup2' ? group.folder : group.cpu!
    const before = readEntry(folder, 'cpu.stat', 'nr_throttled') ?? 0

    await server.post('spin/300')

    assert.equal((await server.usage()).cpuLimit, 0.1)
    assert.ok(readEntry(folder, 'cpu.stat', 'nr_throttled')! > before, 'the kernel has not held it back')
  })

  it('stop a process that forks without end', async () => {
    const server = await servers.start({ limits: { tasks: 20 } })

    const { forked } = await server.post('fork/60')

    assert.ok(forked! > 5 && forked! < 20, `${forked} processes`)
    assert.equal((await server.usage()).taskLimit, 20)
  })

  it('hold for the size of a file', async () => {
    const server = await servers.start({ limits: { fileBytes: 3 * MB } })

    const limits = readFileSync(`/proc/${server.pid}/limits`, 'utf8')

    assert.match(limits, new RegExp(`^Max file size +${3 * MB} +${3 * MB} `, 'm'))
  })

  it('hold on after the launcher was started anew, which knows of what happened meanwhile', async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB } })
    await server.post('eat/200')
    await servers.launcher.restart()

    assert.equal((await server.usage()).memoryKills, 1)
    assert.deepEqual(await server.post('eat/200'), { ended: KILLED })

    assert.equal((await server.usage()).memoryKills, 2)
  })

  it('cannot be left or raised by the user', { skip: !isRoot() && 'needs root' }, async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB, tasks: 30 } })
    const group = server.group()
    const uid = statSync(`/proc/${server.pid}`).uid
    const asUser = (path: string) => execFileSync('setpriv', [`--reuid=${uid}`, '--clear-groups', 'test', '-w', path])

    assert.notEqual(uid, 0)
    for (const entry of [...entriesOf(group), ...limitFiles(group), ...entriesOf(group).map(above)]) {
      assert.ok(existsSync(entry), entry)
      assert.throws(() => asUser(entry), `${entry} can be written`)
    }
  })

  it('are those of the next start, for what an earlier one has left too', async () => {
    const first = await servers.start({ limits: { tasks: 30 } })
    const group = first.group()
    const job = execFileSync('sh', ['-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' })
    for (const entry of entriesOf(group)) writeFileSync(entry, job.trim())
    process.kill(first.pid, 'SIGTERM')
    await until('the server has ended', async () => !(await first.ask('poll')).running)

    const second = await servers.start({ key: first.key, limits: { tasks: 40, memoryBytes: 64 * MB } })

    const used = await second.usage()
    assert.equal(used.processes, 2)
    assert.partialDeepStrictEqual(used, { taskLimit: 40, memoryLimitBytes: 64 * MB })
    await second.stop()
    await until('nothing is left in the group', () => !existsSync(`/proc/${job.trim()}`))
  })

  it('are set below what is left of an earlier run too, which is ended for it', async () => {
    const first = await servers.start()
    await first.post('eat-here/64')
    const group = first.group()
    await first.post('leave/64')
    process.kill(first.pid, 'SIGTERM')
    await until('the server has ended', async () => !(await first.ask('poll')).running)
    assert.ok((usageOfGroup(group)?.memoryBytes ?? 0) > 50 * MB, 'nothing is left')

    const second = await servers.start({ key: first.key, limits: { memoryBytes: 40 * MB } })

    const used = await second.usage()
    assert.ok(used.memoryBytes <= 40 * MB)
    assert.equal(used.processes, 1)
  })

  it('leave no group behind', async () => {
    const server = await servers.start({ limits: { memoryBytes: 64 * MB } })
    const folders = entriesOf(server.group()).map(above)
    assert.ok(folders.every(existsSync))

    await server.stop()

    await until('the group is gone', () => !folders.some(existsSync))
  })
})

const above = (path: string) => join(path, '..')

function limitFiles(group: Group): string[] {
  if (group.kind === 'cgroup2') return ['memory.max', 'pids.max'].map(file => join(group.folder, file))
  return [join(group.memory, 'memory.limit_in_bytes'), join(group.pids!, 'pids.max')]
}

function whyNot(): false | string {
  const name = `orrery-test-${process.pid}`
  const place = findGroupsPlace(name, isRoot())
  for (const base of place?.bases ?? []) execFileSync('rmdir', [base])
  if (!place) return 'no control groups are left to this user'
  return place.holds.cpus && place.holds.tasks ? false : 'control groups without cpu or pids'
}
