import { createFakeWorld, ENDS_EARLY, fakeSpawner } from './fake-spawner.ts'
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
    close: () => world.close(),
  }
})
