/**
 * What every spawner must do, on the real thing. Register it from the spawner's own test file:
 * `spawnerContract('local', async () => harness)`. The server it runs is `test/support/tiny-server.py` or any other
 * that listens where `JUPYTERHUB_SERVICE_URL` says, prints `listening on`, answers `PREFIX/api` with 200 and
 * `PREFIX/environment` with `{"env": {...}}`, and asks for certificates where it finds `JUPYTERHUB_SSL_KEYFILE`.
 */
import { after, before, describe } from 'node:test'
import { contractServer } from './contract/contract-server.ts'
import { failedStarts } from './contract/failed-starts.ts'
import { lifeOfAServer } from './contract/life-of-a-server.ts'
import { severalServers } from './contract/several-servers.ts'
import { makeSuite, type SpawnerHarness } from './contract/suite.ts'
import { whatAServerIsGiven } from './contract/what-a-server-is-given.ts'

export { answers, type ContractServer, contractServer } from './contract/contract-server.ts'
export type { SpawnerHarness } from './contract/suite.ts'

export function spawnerContract(name: string, make: () => Promise<SpawnerHarness>): void {
  describe(`${name} keeps the contract of spawners`, () => {
    let harness: SpawnerHarness
    let count = 0
    before(async () => {
      harness = await make()
    })
    after(() => harness?.close())

    const suite = makeSuite(
      () => harness,
      ({ command = harness.commands.serves, tls, name = `t${++count}` } = {}) =>
        contractServer(harness.spawner, harness.user, name, command, tls),
    )
    lifeOfAServer(suite)
    whatAServerIsGiven(suite)
    failedStarts(suite)
    severalServers(suite)
  })
}
