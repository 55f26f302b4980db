import type { ServerKey } from '../../core/server-key.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { ServerUsage } from '../../plugin/spawner.ts'
import { claimOf, type LocalState } from './state.ts'

/** The launcher takes requests of so many bytes at most, and of so many servers; names may be long. */
const BYTES_PER_CALL = 200_000
const SERVERS_PER_CALL = 1000

type Claim = { key: ServerKey } & ReturnType<typeof claimOf>

/** Of all these servers, in one call where they are not more than some thousand. */
export async function usageOfAll(
  launcher: LauncherClient,
  servers: readonly { readonly key: ServerKey; readonly state: LocalState }[],
  signal: AbortSignal,
): Promise<(ServerUsage | undefined)[]> {
  const claims = servers.map(({ key, state }) => ({ key, ...claimOf(state) }))
  const usage: (ServerUsage | undefined)[] = []
  for (const some of inCalls(claims)) {
    const answer = await launcher.call('usageOfAll', { servers: some }, { signal })
    usage.push(...answer.servers.map(each => each ?? undefined))
  }
  return usage
}

export function* inCalls(claims: readonly Claim[]): Generator<Claim[]> {
  let call: Claim[] = []
  let bytes = 0
  for (const claim of claims) {
    const more = Buffer.byteLength(JSON.stringify(claim))
    if (call.length === SERVERS_PER_CALL || (call.length > 0 && bytes + more > BYTES_PER_CALL)) {
      yield call
      call = []
      bytes = 0
    }
    call.push(claim)
    bytes += more
  }
  if (call.length > 0) yield call
}
