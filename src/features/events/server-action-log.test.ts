import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { silentLogger, systemClock } from '../../core/runtime.ts'
import { openServerActionLog } from './server-action-log.ts'

describe('log of server actions', () => {
  it('holds a line for each action, in order, also after the file was renamed', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-events-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'events.jsonl')
    const clock = { now: () => new Date('2026-01-31T12:00:00.500Z') }
    const events = await openServerActionLog(file, { clock, log: silentLogger })

    events.record('start', { user: 'ada', server: '' })
    events.record('start', { user: 'grace', server: 'gpu' })
    await events.close()
    renameSync(file, `${file}.1`)
    events.record('stop', { user: 'ada', server: '' })
    await events.close()

    const lines = (path: string) =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
    assert.deepEqual(
      lines(`${file}.1`).map(({ action, username, servername }) => [action, username, servername]),
      [
        ['start', 'ada', ''],
        ['start', 'grace', 'gpu'],
      ],
    )
    assert.deepEqual(lines(file), [
      {
        __timestamp__: '2026-01-31T12:00:00.500Z',
        __schema__: 'https://schema.jupyter.org/jupyterhub/events/server-action',
        __schema_version__: '1',
        __metadata_version__: 1,
        action: 'stop',
        username: 'ada',
        servername: '',
      },
    ])
  })

  it('is refused at the start where it cannot be written', async () => {
    const missing = '/nowhere/at/all/events.jsonl'
    await assert.rejects(openServerActionLog(missing, { clock: systemClock, log: silentLogger }), {
      code: 'event_log_unwritable',
      message: /\/nowhere/,
    })
  })
})
