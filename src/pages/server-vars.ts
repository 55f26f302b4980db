/** A server as pages show it, and the addresses of what can be done with it. */
import {
  escapePathSegment,
  joinUrlPath,
  logEventsPath,
  progressPath,
  spawnPath,
  spawnPendingPath,
} from '../core/names.ts'
import type { ServerKey } from '../core/server-key.ts'
import { type SiteAddresses, serverUrl } from '../core/subdomains.ts'
import type { PageServer, PageUsage } from './deps.ts'
import type { PageVars } from './page-vars.ts'
import { templateTime } from './template-time.ts'
import { usageVars } from './usage-vars.ts'

export function serverVars(site: SiteAddresses, user: string, server: PageServer, usage?: PageUsage): PageVars {
  const { baseUrl } = site
  const key = { user, server: server.name }
  const { state } = server
  return {
    name: server.name,
    display_name: server.displayName ?? '',
    title: serverTitle(server, 'Your server'),
    phase: state.phase,
    // JupyterHub's words for the same
    ready: state.phase === 'ready',
    active: state.phase === 'ready' || state.phase === 'spawning' || state.phase === 'stopping',
    pending: state.phase === 'spawning' ? 'spawn' : state.phase === 'stopping' ? 'stop' : null,
    since: templateTime(state.since),
    last_activity: templateTime(server.lastActivity),
    percent: state.phase === 'spawning' ? state.percent : 0,
    message: state.phase === 'spawning' ? state.message : '',
    usage: state.phase === 'ready' && usage ? usageVars(usage) : undefined,
    reason: 'reason' in state ? state.reason : undefined,
    url: serverUrl(key, site),
    start_url: spawnPath(key, baseUrl),
    pending_url: spawnPendingPath(key, baseUrl),
    progress_url: progressPath(key, baseUrl),
    stop_url: stopPath(key, baseUrl),
    delete_url: deletePath(key, baseUrl),
    log_url: logPath(key, baseUrl),
    log_download_url: `${logPath(key, baseUrl)}?download=1`,
    log_events_url: logEventsPath(key, baseUrl),
  }
}

/** `Your server`, or the name people gave it. */
export function serverTitle(server: Pick<PageServer, 'name' | 'displayName'> | undefined, unnamed: string): string {
  return server?.displayName || server?.name || unnamed
}

/** In a sentence: `your server`, `gpu`, `the server of bob`. */
export function serverPhrase(server: Pick<PageServer, 'name' | 'displayName'>, owner: string, me: string): string {
  const name = serverTitle(server, '')
  if (owner === me) return name || 'your server'
  return name ? `${name} of ${owner}` : `the server of ${owner}`
}

export function stopPath(key: ServerKey, baseUrl: string): string {
  return below('stop', key, baseUrl)
}

export function deletePath(key: ServerKey, baseUrl: string): string {
  return below('delete-server', key, baseUrl)
}

export function logPath(key: ServerKey, baseUrl: string): string {
  return below('server-log', key, baseUrl)
}

function below(page: string, key: ServerKey, baseUrl: string): string {
  return joinUrlPath(baseUrl, 'hub', page, escapePathSegment(key.user), escapePathSegment(key.server))
}
