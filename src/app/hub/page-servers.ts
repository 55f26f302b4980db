/** Servers as the pages see them, from spawning and the database. */
import type { Database } from '../../db/database.ts'
import { fromDbTime } from '../../db/db-time.ts'
import type { UsageWatch } from '../../features/usage/usage-watch.ts'
import type { PageServer, PageServers } from '../../pages/deps.ts'
import { readProgress } from '../../spawning/progress-store.ts'
import { findServer, type ServerRow, serversOfUser } from '../../spawning/server-row.ts'
import { serverState } from '../../spawning/server-state.ts'
import type { Spawning } from '../../spawning/spawning.ts'

export function pageServers(parts: {
  database: Database
  spawning: Spawning
  usage: Pick<UsageWatch, 'ofUser'>
  baseUrl: string
}): PageServers {
  const { database, spawning, usage, baseUrl } = parts

  return {
    async list(user) {
      const rows = await serversOfUser(database, user)
      const servers = rows.map(row => pageServer(row, baseUrl))
      return servers.some(server => server.name === '') ? servers : [NEVER_STARTED, ...servers]
    },
    async find(key) {
      const row = await findServer(database, key)
      if (row) return pageServer(row, baseUrl)
      return key.server === '' ? NEVER_STARTED : undefined
    },
    usage: user => usage.ofUser(user),
    check: key => spawning.check(key),
    expectStart: spawning.expectStart,
    optionsForm: key => spawning.optionsForm(key, AbortSignal.timeout(FORM_PATIENCE_MS)),
    start: (key, request) => spawning.start(key, request),
    settled: (key, timeoutMs) => spawning.settled(key, timeoutMs),
    stop: (key, request) => spawning.stop(key, request),
    async remove(key, request) {
      await spawning.remove(key, request)
    },
    async progress(key) {
      const row = await findServer(database, key)
      return row?.run ? readProgress(database, { spawnerId: row.spawnerId, runId: row.run.runId }, 0) : []
    },
    logs: (key, lines) => spawning.logs(key, lines),
    keepsLogs: spawning.keepsLogs,
    wholeLog: (key, signal) => spawning.wholeLog(key, signal),
  }
}

/** A form may ask a scheduler or a registry what there is. */
const FORM_PATIENCE_MS = 20_000
const NEVER_STARTED: PageServer = { name: '', state: { phase: 'stopped' } }

export function pageServer(row: ServerRow, baseUrl: string): PageServer {
  return {
    name: row.key.server,
    state: serverState(row, baseUrl),
    ...(row.displayName !== '' && { displayName: row.displayName }),
    ...(row.lastActivity !== undefined && { lastActivity: fromDbTime(row.lastActivity) }),
  }
}
