/** Shares and codes in the REST API, as JupyterHub's `share_model` and `share_code_model`. */
import { joinUrlPath } from '../../core/names.ts'
import { jsonTime } from '../../http/json-time.ts'
import type { ServerRow } from '../../spawning/server-row.ts'
import type { ServerModelOf } from '../users/user-model.ts'
import type { ShareCodeRow } from './code-store.ts'
import type { ShareRow } from './share-store.ts'

export interface ShareModelSettings {
  /** Begins and ends with a slash. */
  readonly baseUrl: string
  /** Where browsers find the hub; absent: full addresses are null. */
  readonly publicUrl?: string | undefined
  readonly serverModel: ServerModelOf
}

export function shareModel(settings: ShareModelSettings, share: ShareRow, server: ServerRow): Record<string, unknown> {
  return {
    server: sharedServer(settings, server),
    scopes: share.scopes,
    user: share.user === undefined ? null : { name: share.user },
    group: share.group === undefined ? null : { name: share.group },
    kind: share.group === undefined ? 'user' : 'group',
    created_at: jsonTime(share.createdAt),
  }
}

/** `secret`: the code itself, for the one answer that shows it. */
export function shareCodeModel(
  settings: ShareModelSettings,
  code: ShareCodeRow,
  server: ServerRow,
  secret?: string,
): Record<string, unknown> {
  return {
    server: sharedServer(settings, server),
    scopes: code.scopes,
    id: `sc_${code.id}`,
    created_at: jsonTime(code.createdAt),
    expires_at: jsonTime(code.expiresAt),
    exchange_count: code.exchangeCount,
    last_exchanged_at: jsonTime(code.lastExchangedAt),
    ...(secret !== undefined && acceptAddress(settings, secret)),
  }
}

/** `sc_17` is row 17; undefined for anything else. */
export function parseCodeId(id: string): number | undefined {
  const digits = /^sc_(\d{1,9})$/.exec(id)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function acceptAddress({ baseUrl, publicUrl }: ShareModelSettings, code: string) {
  const path = `${joinUrlPath(baseUrl, 'hub/accept-share')}?code=${encodeURIComponent(code)}`
  return { code, accept_url: path, full_accept_url: publicUrl ? new URL(publicUrl).origin + path : null }
}

/** Enough of the server to find it, nothing of what its owner does there. */
function sharedServer({ serverModel }: ShareModelSettings, server: ServerRow) {
  const { name, url, full_url, ready } = serverModel(server, { withState: false })
  return { user: { name: server.key.user }, name, url, full_url, ready }
}
