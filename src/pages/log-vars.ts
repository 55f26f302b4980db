/** What a page shows of a server's log, to those who may read it: its owner and administrators, not everybody who visits. */
import type { UserIdentity } from '../access/identity.ts'
import type { Reason } from '../core/reason.ts'
import { hasScope } from '../core/scopes/reach.ts'
import type { ServerKey } from '../core/server-key.ts'
import { adviceFor } from '../core/server-reasons.ts'
import type { PageDeps } from './deps.ts'
import type { PageVars } from './page-vars.ts'

/** What an administrator can do about it; the person is told in the reason itself. */
export async function administratorStep(
  deps: PageDeps,
  me: UserIdentity,
  key: ServerKey,
  reason: Reason | undefined,
): Promise<string | undefined> {
  if (!reason) return undefined
  const groups = (await deps.users.find(key.user))?.groups ?? []
  return hasScope(me.scopes, 'admin:server_state', { ...key, groups })
    ? adviceFor(reason.code)?.administrator
    : undefined
}

/** As the REST API decides it. */
export async function mayReadLog(deps: PageDeps, me: UserIdentity, key: ServerKey): Promise<boolean> {
  const groups = (await deps.users.find(key.user))?.groups ?? []
  return ['servers', 'admin:server_state'].some(scope => hasScope(me.scopes, scope, { ...key, groups }))
}

export async function logVars(
  deps: PageDeps,
  me: UserIdentity,
  key: ServerKey,
  reason: Reason | undefined,
): Promise<PageVars> {
  const { keepsLogs } = deps.servers
  if (!(await mayReadLog(deps, me, key))) return { keeps_logs: false }
  return {
    keeps_logs: keepsLogs,
    log_tail: reason?.logTail,
    log_missing: keepsLogs
      ? 'The server printed nothing.'
      : 'The way servers are run here keeps no log of them; an administrator can look where they run.',
  }
}
