import type { Generated } from 'kysely'

/**
 * JupyterHub 6's tables (alembic revision f460b0348206) and Orrery's own, prefixed `orrery_`. Times are naive UTC texts
 * `YYYY-MM-DD HH:MM:SS.ffffff` (see `db-time.ts`), JSON is text; booleans arrive as booleans on every dialect.
 */
export interface Tables {
  alembic_version: { version_num: string }
  users: {
    id: Generated<number>
    name: string
    user_info: string | null
    admin: boolean
    created: string | null
    last_activity: string | null
    cookie_id: string
    state: string | null
    encrypted_auth_state: Uint8Array | null
  }
  groups: { id: Generated<number>; name: string; properties: string | null }
  user_group_map: { user_id: number; group_id: number }
  roles: {
    id: Generated<number>
    name: string
    description: string | null
    scopes: string | null
    managed_by_auth: boolean
  }
  user_role_map: { user_id: number; role_id: number; managed_by_auth: boolean }
  group_role_map: { group_id: number; role_id: number; managed_by_auth: boolean }
  service_role_map: { service_id: number; role_id: number; managed_by_auth: boolean }
  servers: {
    id: Generated<number>
    proto: string
    ip: string
    port: number
    base_url: string
    cookie_name: string
  }
  spawners: {
    id: Generated<number>
    user_id: number
    server_id: number | null
    state: string | null
    name: string
    display_name: string | null
    started: string | null
    last_activity: string | null
    user_options: string | null
    oauth_client_id: string | null
  }
  services: {
    id: Generated<number>
    name: string
    admin: boolean
    url: string | null
    oauth_client_allowed_scopes: string | null
    info: string | null
    display: boolean
    oauth_no_confirm: boolean
    command: string | null
    cwd: string | null
    environment: string | null
    user: string | null
    timeout: number
    from_config: boolean
    _server_id: number | null
    pid: number | null
    oauth_client_id: string | null
  }
  oauth_clients: {
    id: Generated<number>
    identifier: string
    description: string | null
    secret: string | null
    redirect_uri: string | null
    allowed_scopes: string | null
  }
  oauth_codes: {
    id: Generated<number>
    client_id: string
    code: string
    /** Seconds since the epoch. */
    expires_at: number
    redirect_uri: string | null
    session_id: string | null
    user_id: number
    scopes: string | null
    code_challenge: string | null
    code_challenge_method: string | null
  }
  api_tokens: {
    id: Generated<number>
    user_id: number | null
    service_id: number | null
    hashed: string
    prefix: string
    client_id: string | null
    session_id: string | null
    created: string | null
    expires_at: string | null
    last_activity: string | null
    note: string | null
    scopes: string | null
  }
  shares: {
    id: Generated<number>
    user_id: number | null
    group_id: number | null
    created_at: string
    scopes: string | null
    expires_at: string | null
    owner_id: number
    spawner_id: number
  }
  share_codes: {
    id: Generated<number>
    hashed: string
    prefix: string
    exchange_count: number
    last_exchanged_at: string | null
    created_at: string
    scopes: string | null
    expires_at: string | null
    owner_id: number
    spawner_id: number
  }

  /** Schema version of the own tables and the like. */
  orrery_meta: { key: string; value: string }
  orrery_leases: { name: string; holder: string; epoch: number; expires_at: string }
  /** The latest run of each server: what pages and API tell of its start and its end. */
  orrery_runs: {
    spawner_id: number
    /** Random; a new one for each start. */
    run_id: string
    phase: 'spawning' | 'ready' | 'stopping' | 'stopped' | 'failed'
    /** When this phase began. */
    since: string
    percent: number
    message: string
    reason_code: string | null
    reason_message: string | null
    reason_next_step: string | null
    log_tail: string | null
    /** Starts that failed in a row. */
    failures: number
    /** `api_tokens.id` of the token this run's server holds, so that the end of the run revokes just that one. */
    token_id: number | null
  }
  orrery_progress: {
    id: Generated<number>
    spawner_id: number
    run_id: string
    at: string
    percent: number
    message: string
    html_message: string | null
    raw_event: string | null
  }
  orrery_accounts: {
    name: string
    password_hash: string
    approved: boolean
    email: string | null
    must_change: boolean
    created: string
    approved_by: string | null
    approved_at: string | null
  }
  /** Failed tries of a name, an address or another subject: `name:alice`, `address:192.0.2.7`. */
  orrery_login_failures: { subject: string; failures: number; last_failure: string; locked_until: string | null }
  orrery_one_time_links: {
    hashed: string
    purpose: string
    name: string | null
    created: string
    expires_at: string
    used_at: string | null
  }
  /** What the machine used, a row a minute of the last day. */
  orrery_machine_samples: {
    at: string
    /** Processors kept busy, of `processors`. */
    cpu: number
    processors: number
    memory_bytes: number
    memory_total_bytes: number
    load: number
    servers: number
  }
  /** NativeAuthenticator's table, read where it exists, never made by us. */
  users_info: {
    id: Generated<number>
    username: string
    password: Uint8Array
    is_authorized: boolean
    email: string | null
  }
}
