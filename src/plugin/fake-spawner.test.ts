import { createFakeWorld, ENDS_EARLY, type FakeState, fakeSpawner } from './fake-spawner.ts'
import { spawnerContract } from './spawner-contract.ts'

spawnerContract('fake', async () => {
  const world = createFakeWorld()
  return {
    spawner: fakeSpawner(world),
    another: async () => fakeSpawner(world),
    user: { id: 1, name: 'ada', admin: false, groups: [] },
    commands: { serves: ['serves'], endsEarly: [ENDS_EARLY] },
    ownVariables: [],
    garbage: [{}, { fake: 1 }, null, []],
    remains: async () => world.running(),
    crash: async state => {
      const server = world.servers.get((state as FakeState).fake) // of this spawner
      if (server) await world.crash(server.key, { signal: 'SIGKILL' })
    },
    crashed: { signal: 'SIGKILL' },
    limitsOf: async () => ({ memoryBytes: 512 * 1024 * 1024, cpus: 0.5 }),
    close: () => world.close(),
  }
})
