/** Taking a server for oneself: at once, as soon as nobody else has it, or only when it does not run. */
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../core/errors.ts'
import { type ServerKey, serverKeyText } from '../core/server-key.ts'
import type { SpawningContext } from './context.ts'
import { readState, stateOf } from './inspect-server.ts'
import { findServer, type ServerRow } from './server-row.ts'
import { type HeldServer, holdServer } from './spawn-lease.ts'

const BUSY_PATIENCE_MS = 5_000
const BUSY_PAUSE_MS = 50

/**
 * Waits a little for a server that somebody works on. Undefined as soon as the database tells what they do, or when they
 * take long.
 */
export function holdSoon(context: SpawningContext, key: ServerKey): Promise<HeldServer | undefined> {
  return takeSoon(context, key, () => holdServer(context, key))
}

/** As `holdSoon`, for what takes the server and does more in the same moment. */
export async function takeSoon<T>(
  context: SpawningContext,
  key: ServerKey,
  take: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const deadline = Date.now() + BUSY_PATIENCE_MS; Date.now() < deadline; await sleep(BUSY_PAUSE_MS)) {
    const taken = await take()
    if (taken) return taken
    const { phase } = await readState(context, key)
    if (phase === 'spawning' || phase === 'stopping') return undefined
  }
  return undefined
}

/** Runs `change` on the rows of a server that neither runs nor starts. Throws HubError 400 when it does. */
export async function whileStopped<T>(
  context: SpawningContext,
  key: ServerKey,
  change: (held: HeldServer, server: ServerRow) => Promise<T>,
): Promise<T> {
  const held = await holdSoon(context, key)
  try {
    const server = await findServer(context.database, key)
    const { phase } = stateOf(context, server)
    if (!held || !server || (phase !== 'stopped' && phase !== 'failed')) throw stillActive(key)
    return await change(held, server)
  } finally {
    await held?.release()
  }
}

function stillActive(key: ServerKey): HubError {
  return new HubError('server_active', {
    status: 400,
    message: `${serverKeyText(key)} is active. Please stop it before modifying it.`,
  })
}
