import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import type { Logger } from '../core/runtime.ts'
import { silentLogger } from '../core/runtime.ts'
import { keepSnapshot, loadSnapshot } from './route-snapshot.ts'
import { createRouteTable, toRouteRecord } from './route-table.ts'

const TARGET = 'http://127.0.0.1:1'
const newFile = () => join(mkdtempSync(join(tmpdir(), 'snapshot-')), 'routes.json')
const newTable = () => createRouteTable({ hostRouting: false })
const recordsOf = (table: ReturnType<typeof newTable>) =>
  Object.fromEntries([...table.all()].map(route => [route.path, toRouteRecord(route)]))

function recordingLogger() {
  const records: { level: string; message: string; fields: object }[] = []
  const at = (level: string) => (fields: object, message: string) => void records.push({ level, message, fields })
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return Object.assign(logger, { records })
}

describe('route snapshot', () => {
  it('brings routes, their data and their activity back', async () => {
    const file = newFile()
    const table = newTable()
    const snapshot = keepSnapshot(file, table, silentLogger)
    table.set('/user/ä b', { target: `${TARGET}/x`, user: 'ä b', nested: { a: [1] } }, 1_700_000_000_123)
    table.set('/gone', { target: TARGET }, 0)
    table.delete('/gone')
    await snapshot.close()

    const restored = newTable()
    const count = await loadSnapshot(file, restored, silentLogger)

    assert.equal(count, 1)
    assert.deepEqual(recordsOf(restored), recordsOf(table))
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('follows changes by itself, and leaves nothing but the file', async () => {
    const file = newFile()
    const table = newTable()
    const snapshot = keepSnapshot(file, table, silentLogger)

    for (let i = 0; i < 500; i++) table.set(`/user/u${i}`, { target: TARGET }, i)

    await snapshot.committed()
    const restored = newTable()
    await loadSnapshot(file, restored, silentLogger)
    assert.deepEqual(recordsOf(restored), recordsOf(table))
    await until('the first snapshot', () => readdirSync(join(file, '..')).includes('routes.json'))
    assert.deepEqual(readdirSync(join(file, '..')).sort(), ['routes.json', 'routes.json.journal-1'])
    await snapshot.close()
  })

  it('writes activity when it closes, though no route changed', async () => {
    const file = newFile()
    const table = newTable()
    table.set('/a', { target: TARGET }, 1000)
    const snapshot = keepSnapshot(file, table, silentLogger)
    await until('the first snapshot', () => readdirSync(join(file, '..')).includes('routes.json'))

    table.touch('/a', 2000)
    await snapshot.close()

    assert.match(readFileSync(file, 'utf8'), /1970-01-01T00:00:02\.000Z/)
  })

  it('holds what was committed after a new snapshot was begun, whichever of its steps was the last', async () => {
    const file = newFile()
    const table = newTable()
    const first = keepSnapshot(file, table, silentLogger)
    table.set('/kept', { target: TARGET }, 1)
    table.set('/gone', { target: TARGET }, 1)
    await first.close()
    // As after the first step: journal 3 is begun, the snapshot still says that journal 2 comes next.
    const set = (path: string, at: number) =>
      `${JSON.stringify({ set: path, route: { target: TARGET, last_activity: new Date(at).toISOString() } })}\n`
    writeFileSync(`${file}.journal-2`, set('/kept', 2) + set('/old', 2))
    writeFileSync(
      `${file}.journal-3`,
      `${set('/new', 3)}${JSON.stringify({ delete: '/gone' })}\n${set('/torn', 4).slice(0, -9)}`,
    )
    writeFileSync(`${file}.12-aa.tmp`, '{"version":1,"jou')

    const restored = newTable()
    const log = recordingLogger()
    await loadSnapshot(file, restored, log)

    assert.deepEqual([...restored.all()].map(route => route.path).sort(), ['/kept', '/new', '/old'])
    assert.deepEqual(log.records, [])
  })

  it('leaves out the end of a journal that was damaged, with a warning', async () => {
    const file = newFile()
    const table = newTable()
    const snapshot = keepSnapshot(file, table, silentLogger)
    await until('the first snapshot', () => readdirSync(join(file, '..')).includes('routes.json'))
    for (const path of ['/a', '/b', '/c']) table.set(path, { target: TARGET }, 1)
    await snapshot.committed()
    const journal = `${file}.journal-1`
    writeFileSync(journal, readFileSync(journal, 'utf8').replace('/b', '/b"'))

    const restored = newTable()
    const log = recordingLogger()
    await loadSnapshot(file, restored, log)

    assert.deepEqual(
      [...restored.all()].map(route => route.path),
      ['/a'],
    )
    assert.deepEqual(
      log.records.map(record => record.level),
      ['warn'],
    )
    await snapshot.close()
  })

  it('gives a long journal up for a new snapshot', async () => {
    const file = newFile()
    const table = newTable()
    const snapshot = keepSnapshot(file, table, silentLogger)
    const name = 'x'.repeat(2000)
    for (let i = 0; i < 600; i++) {
      table.set('/user/same', { target: TARGET, name, i }, i)
      await snapshot.committed()
    }
    await until('the second journal', () => {
      const files = readdirSync(join(file, '..')).sort()
      return files.join() === 'routes.json,routes.json.journal-2'
    })
    const restored = newTable()
    await loadSnapshot(file, restored, silentLogger)
    assert.equal(restored.get('/user/same')?.data.i, 599)
    await snapshot.close()
  })

  it('starts empty without a file', async () => {
    assert.equal(await loadSnapshot(newFile(), newTable(), silentLogger), 0)
  })

  it('is set aside with a warning when it is corrupt, whatever the damage', async () => {
    const good =
      '{"version":1,"routes":[["/a",{"target":"http://127.0.0.1:1","last_activity":"2026-01-01T00:00:00.000Z"}]]}'
    const damaged = [
      '',
      '{',
      good.slice(0, -1),
      '[]',
      'null',
      '{"version":2,"routes":[]}',
      '{"version":1,"routes":[["/a",null]]}',
      good.replace('http:', 'gopher:'),
      good.replace('2026', 'MMXX'),
      '\0'.repeat(100),
    ]
    for (const text of damaged) {
      const file = newFile()
      writeFileSync(file, text)
      const table = newTable()
      const log = recordingLogger()

      await loadSnapshot(file, table, log)

      const left = readdirSync(join(file, '..'))
      assert.equal(table.size, 0, text)
      assert.deepEqual(
        log.records.map(record => record.level),
        ['warn'],
        text,
      )
      assert.match(left.join(), /^routes\.json\.corrupt-[\dTZ-]+$/)
    }
  })

  it('names the file that cannot be read', async () => {
    const file = newFile()
    mkdirSync(file)

    await assert.rejects(loadSnapshot(file, newTable(), silentLogger), {
      code: 'snapshot_unreadable',
      message: new RegExp(file),
    })
  })

  it('logs a failed write and succeeds with the next change', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapshot-'))
    const file = join(folder, 'later', 'routes.json')
    const table = newTable()
    const log = recordingLogger()
    const snapshot = keepSnapshot(file, table, log)
    await until('the failure', () => log.records.some(record => record.level === 'warn'))

    mkdirSync(join(folder, 'later'))
    table.set('/a', { target: TARGET }, 0)

    await until('the snapshot', () => readdirSync(join(folder, 'later')).includes('routes.json'))
    await snapshot.close()
    chmodSync(folder, 0o700)
    rmSync(folder, { recursive: true })
  })
})
