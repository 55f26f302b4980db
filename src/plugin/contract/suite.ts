/** What a spawner hands to the contract suite, and what the parts of the suite share. */
import assert from 'node:assert/strict'
import type { Json } from '../../core/runtime.ts'
import type { Exit, ServerSpec, ServerTls, Spawner, UserRecord } from '../spawner.ts'
import { type ContractServer, until } from './contract-server.ts'

export interface SpawnerHarness {
  readonly spawner: Spawner<Json, Json>
  /** A spawner that knows nothing of what the first one did, as after a restart of the hub. */
  another(): Promise<Spawner<Json, Json>>
  /** Somebody this spawner can run a server for. */
  readonly user: UserRecord
  /**
   * Program and arguments: one that serves, one that prints a line and ends with status 3; absent where it cannot be tried,
   * one that is not there.
   */
  readonly commands: {
    readonly serves: readonly string[]
    readonly endsEarly: readonly string[]
    readonly missing?: readonly string[]
  }
  /** Names of variables that this spawner sets besides those it was given; the documentation lists them. */
  readonly ownVariables: readonly string[]
  /** A state as somebody else, or a broken database, might have left it. */
  readonly garbage?: readonly Json[]
  /** What is left of the user's servers: processes, containers, jobs. Empty when nothing is. */
  remains(): Promise<readonly string[]>
  /** Kills the server as a crash does, behind the spawner's back. Absent: not tried. */
  crash?(state: Json): Promise<void>
  /** How a crash is told, where more is known than that it has ended. */
  readonly crashed?: Exit
  /** The limits that hold for this server, read where they are enforced. Absent: they are not, and the start must say so. */
  limitsOf?(state: Json): Promise<ServerSpec['limits']>
  /** Whether others than the server's user (and root) may read this file, told by path as the server sees it. Absent: not tried. */
  readableByOthers?(path: string, state: Json): Promise<boolean>
  close(): Promise<void>
}

export interface Suite {
  /** There once the tests run. */
  readonly harness: SpawnerHarness
  /** A server that has not run before. Without a command: one that serves; without a name: another each time. */
  server(given?: { command?: readonly string[]; tls?: ServerTls; name?: string }): ContractServer
  nothingRemains(): Promise<void>
}

export function makeSuite(harness: () => SpawnerHarness, make: Suite['server']): Suite {
  return {
    get harness() {
      return harness()
    },
    server: make,
    async nothingRemains() {
      await until('nothing remains', async () => (await harness().remains()).length === 0).catch(async () => {
        assert.deepEqual(await harness().remains(), [])
      })
    },
  }
}
