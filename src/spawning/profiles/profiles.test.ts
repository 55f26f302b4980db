/** Profiles on the way that a start really goes: what is put on record, and what the server gets. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { profileList } from '../../config/profiles-option.ts'
import { type Json, silentLogger } from '../../core/runtime.ts'
import { testDatabases } from '../../db/testing.ts'
import { fakeSpawner } from '../../plugin/fake-spawner.ts'
import type { ServerSpec } from '../../plugin/spawner.ts'
import { sitePreparation } from '../prepare-server.ts'
import { findServer } from '../server-row.ts'
import { testSite } from '../testing.ts'

const alice = { user: 'alice', server: '' }
const profiles = profileList.parse([
  {
    name: 'course',
    label: 'Course',
    servers: { memLimit: '1G', environment: { KIND: 'course' } },
    options: {
      memory: { type: 'number', label: 'Memory', min: 1, max: 8, default: 2, unit: 'G', setting: 'memLimit' },
      cores: { type: 'number', label: 'Cores', min: 0.5, max: 2, step: 0.5, default: 1, setting: 'cpuLimit' },
      software: {
        type: 'choice',
        label: 'Software',
        choices: { r: { label: 'R', servers: { cmd: ['serves-r'] } }, python: { label: 'Python' } },
        default: 'python',
      },
      branch: { type: 'text', label: 'Branch', pattern: '[a-z]*', variable: 'BRANCH' },
      gpu: { type: 'switch', label: 'GPU', servers: { environment: { GPU: '1' } } },
    },
  },
  { name: 'plain', label: 'Plain' },
])

async function site(test: TestContext, offered = profiles) {
  const { url, drop } = await testDatabases()[0]!.create()
  const world = await testSite({ databaseUrl: url, drop })
  test.after(() => world[Symbol.asyncDispose]())
  await world.addUser('alice')
  const specs: ServerSpec[] = []
  const log = silentLogger
  const hubWith = (list: typeof profiles) =>
    world.hub({
      profiles: list,
      spawner: fakeSpawner(world.world, { beforeStart: async spec => void specs.push(spec) }),
      hooks: { prepare: sitePreparation({ hooks: {}, authStateOf: async () => null, profiles: list, log }) },
    })
  const hub = await hubWith(offered)
  return {
    hub,
    hubWith,
    specs,
    options: async () => (await findServer(world.database, alice))?.options,
    async run(options?: Json, by = hub) {
      await by.spawning.start(alice, { requestedBy: 'alice', ...(options !== undefined && { options }) })
      const state = await by.spawning.settled(alice, 10_000)
      assert.equal(state.phase, 'ready', JSON.stringify(state))
      const spec = specs.at(-1)!
      await by.spawning.stop(alice, { by: 'alice' })
      await by.spawning.settled(alice, 10_000)
      return { spec, environment: spec.environment({ ip: '127.0.0.1', port: 1 }) }
    },
  }
}

describe('a start with profiles', () => {
  it('gives the server what the profile and its options say, and keeps the choice', async test => {
    const here = await site(test)

    const { spec, environment } = await here.run({ memory: 4, cores: 1.5, software: 'r', branch: 'dev', gpu: true })

    assert.deepEqual(spec.command, ['serves-r'])
    assert.deepEqual(spec.limits, { memoryBytes: 4 * 2 ** 30, cpus: 1.5 })
    assert.partialDeepStrictEqual(environment, { KIND: 'course', BRANCH: 'dev', GPU: '1' })
    const kept = { profile: 'course', memory: 4, cores: 1.5, software: 'r', branch: 'dev', gpu: true }
    assert.deepEqual(await here.options(), kept)
    assert.deepEqual(spec.options, kept)
  })

  it('takes the last choice when none is given, and the defaults the first time', async test => {
    const here = await site(test)

    const first = await here.run()
    await here.run({ profile: 'course', memory: 3 })
    const again = await here.run()

    assert.equal(first.spec.limits.memoryBytes, 2 * 2 ** 30)
    assert.equal(again.spec.limits.memoryBytes, 3 * 2 ** 30)
  })

  it('takes the defaults where the last choice is not offered any more', async test => {
    const here = await site(test)
    await here.run({ profile: 'course', memory: 3 })
    const [, plain] = profiles
    const later = await here.hubWith([plain!])

    await here.run(undefined, later)

    assert.deepEqual(await here.options(), { profile: 'plain' })
  })

  it('is refused before anything is put on record', async test => {
    const here = await site(test)

    await assert.rejects(here.hub.spawning.start(alice, { requestedBy: 'alice', options: { memory: 99 } }), {
      code: 'profile_refused',
      fields: { memory: 'At most 8 GB.' },
    })

    assert.equal(here.specs.length, 0)
    assert.equal((await here.hub.spawning.state(alice)).phase, 'stopped')
  })
})

describe('the form of profiles', () => {
  it('shows what was chosen last, and what was entered and is wrong', async test => {
    const here = await site(test)
    await here.run({ profile: 'course', memory: 3, gpu: true })

    const form = await here.hub.spawning.optionsForm(alice, AbortSignal.timeout(5000))
    const [course] = form!.profiles!()
    const values = Object.fromEntries(course!.fields.map(({ name, value }) => [name, value]))
    const entered = { profile: ['course'], 'course.memory': ['99'], 'course.gpu': ['off'], 'plain.x': ['1'] }
    const [refused] = form!.profiles!({ form: entered, fields: { memory: 'At most 8 GB.' } })

    assert.equal(course!.isChosen, true)
    assert.partialDeepStrictEqual(values, { 'course.memory': '3', 'course.gpu': 'on', 'course.software': 'python' })
    assert.partialDeepStrictEqual(refused!.fields[0], { value: '99', fault: 'At most 8 GB.' })
    assert.deepEqual(await form!.parse(entered), { profile: 'course', memory: '99', gpu: 'off' })
    assert.deepEqual(await form!.parse({ profile: ['course'], memory: ['3'] }), { profile: 'course', memory: '3' })
  })

  it('is left out where there is nothing to choose', async test => {
    const [, plain] = profiles
    const here = await site(test, [plain!])

    assert.equal(await here.hub.spawning.optionsForm(alice, AbortSignal.timeout(5000)), undefined)
  })
})
