import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import type { Logger } from '../../core/runtime.ts'
import type { Answers, Asked } from '../../launcher/protocol.ts'
import { type PreparationOptions, preparations } from './preparations.ts'

/** Processes of people: what the helper has been asked for, and who of them runs. */
function site(changes: Partial<PreparationOptions> = {}) {
  const running = new Set<string>()
  const asked: string[] = []
  const told: string[] = []
  const log: Logger = {
    ...{ debug() {}, warn() {}, error() {} },
    info: (fields, message) => void told.push(`${message}: ${(fields as { reason?: string }).reason}`),
    child: () => log,
  }
  const made = preparations({
    atMost: 2,
    async ask({ key }: Asked<'prepare'>): Promise<Answers['prepare']> {
      asked.push(key.user)
      running.add(key.user)
      return { state: 'waiting', pid: 4_000_000, startTime: `boot/${asked.length}` }
    },
    // What it would wait for is over at once.
    processes: { look: async user => (running.has(user) ? 'unknown' : 'gone') },
    log,
    memory: () => ({ available: 8 * 2 ** 30, total: 16 * 2 ** 30 }),
    ...changes,
  })
  const prepare = (user: string) => made.prepare({ key: { user, server: '' }, command: ['x'] })
  return { ...made, prepare, running, asked, told }
}

const impossible = (reason: string) => ({ state: 'impossible', reason })

describe('starts that are prepared through sudo', () => {
  it('are as many as the site allows, and one for each person', async () => {
    const { prepare, running, asked } = site()

    const first = await prepare('ada')
    assert.partialDeepStrictEqual(await prepare('ada'), { state: 'waiting' })
    assert.partialDeepStrictEqual(first, { state: 'waiting' })
    await prepare('bob')
    assert.deepEqual(await prepare('cy'), impossible('enough starts are prepared'))
    assert.deepEqual(asked, ['ada', 'bob'])

    running.delete('ada')
    assert.partialDeepStrictEqual(await prepare('cy'), { state: 'waiting' })
  })

  it('leave room for others when they are used', async () => {
    const { prepare, starting, asked } = site({ atMost: 1 })
    await prepare('ada')

    await starting('ada')

    assert.partialDeepStrictEqual(await prepare('bob'), { state: 'waiting' })
    assert.deepEqual(asked, ['ada', 'bob'])
  })

  it('are none where little memory is free', async () => {
    let available = 4.1 * 2 ** 30
    const { prepare, asked } = site({ memory: () => ({ available, total: 16 * 2 ** 30 }) })

    assert.deepEqual(await prepare('ada'), impossible('too little memory is free'))
    available = 4.2 * 2 ** 30
    assert.partialDeepStrictEqual(await prepare('ada'), { state: 'waiting' })

    assert.deepEqual(asked, ['ada'])
  })

  it('are imported as many at a time as there are processors, and never twice for a person at once', async () => {
    const answers: (() => void)[] = []
    let most = 0
    const ask = () =>
      new Promise<Answers['prepare']>(done => {
        most = Math.max(
          most,
          answers.push(() => done({ state: 'unneeded' })),
        )
      })
    const { prepare } = site({ atMost: 1000, ask })
    const people = Array.from({ length: availableParallelism() + 1 }, (_, at) => `p${at}`)

    const all = people.map(prepare)
    assert.deepEqual(await prepare('p0'), impossible('it is being prepared'))
    await until('all processors are busy', () => answers.length === availableParallelism())
    assert.equal(most, availableParallelism())
    answers.shift()!()
    await until('the next one has its turn', () => answers.length === availableParallelism())

    for (const answer of answers) answer()
    await Promise.all(all)
  })

  it('are found by a start that comes while they are begun, and given up by one that comes before', async () => {
    const answer = Promise.withResolvers<Answers['prepare']>()
    const asked: string[] = []
    const ask = ({ key }: Asked<'prepare'>) => {
      asked.push(key.user)
      return answer.promise
    }
    const { prepare, starting } = site({ ask })
    const early = prepare('bob')
    await starting('bob')
    const preparing = prepare('ada')
    await until('the helper is asked', () => asked.length > 0)
    let isStarted = false

    const start = starting('ada').then(() => {
      isStarted = true
    })
    await new Promise(setImmediate)
    const before = isStarted
    answer.resolve({ state: 'waiting', pid: 4_000_000, startTime: 'boot/1' })
    await Promise.all([preparing, start])

    assert.equal(before, false)
    assert.deepEqual(await early, impossible('nobody waits for it'))
    assert.deepEqual(asked, ['ada'])
  })

  it('are not asked for again and again where they cannot be, which is told once', async () => {
    let asked = 0
    const ask = async () => {
      asked++
      throw new Error('sudo says no')
    }
    const { prepare, told } = site({ ask })

    for (let at = 0; at < 3; at++) assert.deepEqual(await prepare('ada'), impossible('sudo says no'))
    await prepare('bob')

    assert.equal(asked, 2)
    assert.deepEqual(told, ['starts are not prepared: sudo says no'])
  })
})
