import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChildSpec, keepRunning } from './keep-running.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-keep-'))
after(() => rmSync(folder, { recursive: true }))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10)
}

/** A child that writes its pid to a file as soon as it runs, then does `body`. */
function child(name: string, body: string, more: Partial<ChildSpec> = {}) {
  const file = join(folder, `${name}.pid`)
  const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0)
  const spec: ChildSpec = {
    name,
    command: [
      process.execPath,
      '-e',
      `require('fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); ${body}`,
    ],
    env: process.env,
    cwd: folder,
    graceMs: 2000,
    isReady: async () => pid() > 0,
    onLine: () => {},
    ...more,
  }
  return { spec, pid }
}

describe('a kept child', () => {
  it('comes back within a second of kill -9', async () => {
    const notes: string[] = []
    const { spec, pid } = child('back', 'setInterval(() => {}, 1000)')
    const kept = await keepRunning(spec, text => notes.push(text))
    const first = pid()

    const killedAt = Date.now()
    process.kill(first, 'SIGKILL')
    await until(() => pid() > 0 && pid() !== first)

    assert.ok(Date.now() - killedAt < 1000, `${Date.now() - killedAt} ms`)
    assert.deepEqual(notes, ['back ended (SIGKILL), started again'])
    await kept.stop()
    assert.throws(() => process.kill(pid(), 0), /ESRCH/)
  })

  it('runs already while it waits for what it needs, and is told of it then', async () => {
    const told = join(folder, 'told')
    const needed = Promise.withResolvers<void>()
    const body = `process.once('message', () => require('fs').writeFileSync(${JSON.stringify(told)}, ''))`
    const { spec, pid } = child('early', body)
    const kept = keepRunning({ ...spec, after: needed.promise, isReady: async () => existsSync(told) }, () => {})
    await until(() => pid() > 0)
    const before = existsSync(told)

    needed.resolve()
    await (await kept).stop()

    assert.equal(before, false)
    assert.equal(existsSync(told), true)
  })

  it('does not outlive what it waits for', async () => {
    const needed = Promise.withResolvers<void>()
    const { spec, pid } = child('orphan', "process.once('message', () => {})")
    const kept = keepRunning({ ...spec, after: needed.promise, isReady: async () => false }, () => {})
    await until(() => pid() > 0)

    needed.reject(new Error('port taken'))

    await assert.rejects(kept, /port taken/)
    assert.throws(() => process.kill(pid(), 0), /ESRCH/)
  })

  it('is told when the rest of its work may begin, and its successor at once', async () => {
    const told = join(folder, 'rest')
    const others = Promise.withResolvers<void>()
    const body = `process.on('message', ({ type }) => require('fs').appendFileSync(${JSON.stringify(told)}, type + ' '))`
    const { spec, pid } = child('rest', body, { restAfter: others.promise })
    const kept = await keepRunning(spec, () => {})
    const before = existsSync(told)

    others.resolve()
    await until(() => existsSync(told))
    process.kill(pid(), 'SIGKILL')
    await until(() => readFileSync(told, 'utf8') === 'go go ')

    assert.equal(before, false)
    await kept.stop()
  })

  it('is started once more for its last work when it was killed before that', async () => {
    const done = join(folder, 'done')
    const body = `
      process.on('SIGTERM', () => { require('fs').writeFileSync(${JSON.stringify(done)}, ''); process.exit(0) })
      process.send({ type: 'ready' })
      setInterval(() => {}, 1000)`
    const { spec, pid } = child('conscientious', body, { hasLastWork: true })
    const notes: string[] = []
    const kept = await keepRunning(spec, text => notes.push(text))

    process.kill(pid(), 'SIGKILL')
    await kept.stop()

    assert.equal(existsSync(done), true)
    assert.throws(() => process.kill(pid(), 0), /ESRCH/)
    assert.match(notes.join(), /once more/)
  })

  it('waits longer each time when it ends at once', async () => {
    const notes: string[] = []
    const { spec } = child('crash', 'setTimeout(() => process.exit(3), 50)')
    const kept = await keepRunning(spec, text => notes.push(text))

    await until(() => notes.length === 3)
    await kept.stop()

    assert.deepEqual(notes, [
      'crash ended (exit status 3), started again',
      'crash ended (exit status 3), started again in 0.5 s',
      'crash ended (exit status 3), started again in 1 s',
    ])
  })

  it('that never gets ready fails the start, with its exit status', async () => {
    const lines: string[] = []
    const { spec } = child('broken', 'console.error("no such thing"); process.exit(75)', {
      isReady: async () => false,
      onLine: raw => lines.push(raw),
    })

    await assert.rejects(
      keepRunning(spec, () => {}),
      { code: 'child_failed', detail: { child: 'broken', status: 75 } },
    )
    await until(() => lines.length > 0)
    assert.deepEqual(lines, ['no such thing'])
  })

  it('is killed when it does not end in time', async () => {
    const { spec } = child('stubborn', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)', { graceMs: 100 })
    const kept = await keepRunning(spec, () => {})

    await kept.stop()

    assert.throws(() => process.kill(kept.pid!, 0), /ESRCH/)
  })
})
