import { progressPath } from '../../core/names.ts'
import { adviceFor } from '../../core/server-reasons.ts'
import { type SiteAddresses, serverUrl } from '../../core/subdomains.ts'
import { jsonTime } from '../../http/json-time.ts'
import type { ServerRow } from '../../spawning/server-row.ts'
import { serverState } from '../../spawning/server-state.ts'

export interface ServerModelSettings extends SiteAddresses {
  /** Where browsers find the hub; only scheme, host and port count. Absent: full addresses are null. */
  readonly publicUrl?: string | undefined
}

/**
 * One server in the REST API, as JupyterHub 6's `server_model`. Beside its fields there is `reason`: why the last run
 * ended, or null, with `failed` when it was not meant to. `withState`: the caller holds `admin:server_state`.
 */
export function serverModel(settings: ServerModelSettings) {
  const { baseUrl } = settings
  const origin = settings.publicUrl ? new URL(settings.publicUrl).origin : undefined
  const full = (path: string) => (origin === undefined ? null : origin + path)

  return (row: ServerRow, { withState }: { withState: boolean }): Record<string, unknown> => {
    const state = serverState(row, baseUrl)
    const url = serverUrl(row.key, settings)
    const progressUrl = progressPath(row.key, baseUrl)
    return {
      name: row.key.server,
      display_name: row.displayName,
      full_name: `${row.key.user}/${row.key.server}`,
      last_activity: jsonTime(row.lastActivity),
      started: jsonTime(row.started),
      pending: state.phase === 'spawning' ? 'spawn' : state.phase === 'stopping' ? 'stop' : null,
      ready: state.phase === 'ready',
      stopped: state.phase === 'stopped' || state.phase === 'failed',
      url,
      user_options: row.options,
      progress_url: progressUrl,
      full_url: url.startsWith('/') ? full(url) : url,
      full_progress_url: full(progressUrl),
      reason:
        'reason' in state && state.reason ? { ...reasonModel(state.reason), failed: state.phase === 'failed' } : null,
      ...(withState && { state: row.state ?? {} }),
    }
  }
}

/** A reason in JSON. The log may hold what only its user may see, so lists leave it out. */
export function reasonModel({ code, message, nextStep }: { code: string; message: string; nextStep?: string }) {
  return { code, message, next_step: nextStep ?? null, administrator_step: adviceFor(code)?.administrator ?? null }
}
