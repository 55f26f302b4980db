import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/runtime.ts'
import { findProcess } from '../processes/process-info.ts'
import type { ChildOrder, Forker } from './forker.ts'
import { openAnyForker } from './forker-python.ts'
import { type KeptForker, keepForker } from './forkers.ts'

describe('the process that forks servers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-forker-'))
  const log = join(folder, 'server.log')
  const options = { commands: [], log: silentLogger }
  const opened: Forker[] = []
  let forker: KeptForker
  before(async () => {
    forker = keepForker(open(), open, silentLogger)
  })
  after(async () => {
    await forker?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(): Promise<Forker> {
    const one = await openAnyForker(options)
    opened.push(one)
    return one
  }
  function order(script: string, changes: Partial<ChildOrder> = {}): ChildOrder {
    writeFileSync(log, '')
    const argv = ['/bin/sh', '-c', script]
    return {
      ...{ group: [], limits: {}, log, become: null, umask: 0o027, home: folder, needsHome: true },
      ...{ directory: '', argv, environment: {} },
      ...changes,
    }
  }
  /** Until the program is there. */
  const begun = (pid: number) =>
    until('the shell begins', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/bin/sh\0'))
  async function start(script: string, changes: Partial<ChildOrder> = {}) {
    const child = await forker.fork(order(script, changes))
    assert.deepEqual(await child.report, { ok: true })
    child.go()
    return child
  }

  it('gives a program its words, folder, umask and environment, and nothing else', async () => {
    const script = 'pwd; umask; echo "$A"; env | wc -l; ls -l /proc/self/fd | grep -c " -> "; exit 7'
    const child = await start(script, { environment: { A: 'é$(id)', PATH: '/usr/bin:/bin' } })

    assert.deepEqual(await child.ended, { status: 7 })
    const [cwd, umask, value, names, descriptors] = readFileSync(log, 'utf8').split('\n')
    assert.deepEqual([cwd, umask, value], [folder, '0027', 'é$(id)'])
    assert.ok(Number(names) <= 5, 'the shell itself sets PWD, OLDPWD, SHLVL and _')
    // Standard ones, the pipe's and the listing's own.
    assert.ok(Number(descriptors) <= 4, `${descriptors} descriptors`)
  })

  it('starts each in a session of its own, with signals as they are by default', async () => {
    const child = await start('kill -PIPE $$; sleep 600')
    assert.deepEqual(await child.ended, { signal: 'SIGPIPE' })
    const other = await start('sleep 600')
    assert.partialDeepStrictEqual(findProcess(other.pid), { session: other.pid, group: other.pid })
    process.kill(-other.pid, 'SIGTERM')
    assert.deepEqual(await other.ended, { signal: 'SIGTERM' })
  })

  it('lets nothing begin before the word to', async () => {
    const child = await forker.fork(order('echo began'))
    await child.report
    child.drop()
    assert.deepEqual(await child.ended, { status: 125 })
    assert.equal(readFileSync(log, 'utf8'), '')
  })

  it('keeps nothing of what it was told for one user, whose secrets the next child would inherit', async () => {
    const secret = `secret-${'x'.repeat(20_000)}-of-ada`
    const child = await start('sleep 600', { environment: { TOKEN: secret } })
    await begun(child.pid)

    assert.ok(memoryHolds(child.pid, '-of-ada'), 'the test does not see the memory of a process')
    assert.equal(memoryHolds(opened.at(-1)!.pid, '-of-ada'), false)
    process.kill(-child.pid, 'SIGKILL')
    assert.deepEqual(await child.ended, { signal: 'SIGKILL' })
  })

  it('says why a program cannot be run', async () => {
    const child = await forker.fork(order('', { argv: [join(folder, 'none')] }))
    const report = await child.report
    assert.deepEqual(report, { ok: false, code: 'command_not_found', detail: join(folder, 'none') })
    await child.ended
  })

  it('is replaced when it is killed; its servers go on, and their end is still told', async () => {
    const child = await start('sleep 600')
    await begun(child.pid)
    const before = opened.at(-1)!
    process.kill(before.pid, 'SIGKILL')
    await before.gone

    const next = await start('exit 3')
    assert.deepEqual(await next.ended, { status: 3 })
    assert.notEqual(opened.at(-1)!.pid, before.pid)
    assert.equal(findProcess(child.pid)?.ended, false)
    process.kill(-child.pid, 'SIGKILL')
    assert.deepEqual(await child.ended, {})
  })

  it('takes its children along that have not begun, and no others, when the launcher is gone', async () => {
    const own = await openAnyForker(options)
    const server = await own.fork(order('sleep 600'))
    await server.report
    server.go()
    await begun(server.pid)
    const waiting = await own.fork(order('sleep 600'))
    await waiting.report

    await own.close()

    await until('the waiting one ends', () => !findProcess(waiting.pid) || findProcess(waiting.pid)!.ended)
    assert.equal(findProcess(server.pid)?.ended, false)
    process.kill(-server.pid, 'SIGKILL')
  })

  it('shares no socket of the launcher with servers', async t => {
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const child = await start('sleep 600')
    t.after(() => process.kill(-child.pid, 'SIGKILL'))
    await begun(child.pid)
    // A program that begins has its libraries open for a moment.
    const open = () => readdirSync(`/proc/${child.pid}/fd`).toSorted().join()
    await until('it has none but its own', () => open() === '0,1,2')
  })
})

/** Does the text stand anywhere in the writable memory of the process? */
function memoryHolds(pid: number, text: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (!from || !to) continue
      const bytes = Buffer.alloc(Number.parseInt(to, 16) - Number.parseInt(from, 16))
      const read = readSync(memory, bytes, 0, bytes.length, BigInt(`0x${from}`))
      if (bytes.subarray(0, read).includes(text)) return true
    }
    return false
  } finally {
    closeSync(memory)
  }
}
