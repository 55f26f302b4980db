/**
 * Version of Orrery's own tables; stored in `orrery_meta` under `schema`. Grows with each entry of OWN_CHANGES. A table
 * that is added needs none: it is made at the next start.
 */
export const OWN_SCHEMA_VERSION = 1

/**
 * Orrery's own tables, beside JupyterHub's, in SQLite's words. JupyterHub neither sees nor harms them: what refers to
 * a row of JupyterHub's goes with that row.
 */
export const OWN_TABLES: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS orrery_meta (
    key VARCHAR(255) NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_leases (
    name VARCHAR(1023) NOT NULL PRIMARY KEY,
    holder VARCHAR(255) NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at DATETIME NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_runs (
    spawner_id INTEGER NOT NULL PRIMARY KEY REFERENCES spawners (id) ON DELETE CASCADE,
    run_id VARCHAR(64) NOT NULL,
    phase VARCHAR(16) NOT NULL,
    since DATETIME NOT NULL,
    percent INTEGER NOT NULL,
    message TEXT NOT NULL,
    reason_code VARCHAR(64),
    reason_message TEXT,
    reason_next_step TEXT,
    log_tail TEXT,
    failures INTEGER NOT NULL,
    token_id INTEGER
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_progress (
    id INTEGER NOT NULL PRIMARY KEY,
    spawner_id INTEGER NOT NULL REFERENCES spawners (id) ON DELETE CASCADE,
    run_id VARCHAR(64) NOT NULL,
    at DATETIME NOT NULL,
    percent INTEGER NOT NULL,
    message TEXT NOT NULL,
    html_message TEXT,
    raw_event TEXT
  )`,
  'CREATE INDEX IF NOT EXISTS ix_orrery_progress_spawner_id ON orrery_progress (spawner_id, id)',
  `CREATE TABLE IF NOT EXISTS orrery_accounts (
    name VARCHAR(255) NOT NULL PRIMARY KEY,
    password_hash VARCHAR(255) NOT NULL,
    approved BOOLEAN NOT NULL,
    email VARCHAR(255),
    must_change BOOLEAN NOT NULL,
    created DATETIME NOT NULL,
    approved_by VARCHAR(255),
    approved_at DATETIME
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_login_failures (
    subject VARCHAR(511) NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_failure DATETIME NOT NULL,
    locked_until DATETIME
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_one_time_links (
    hashed VARCHAR(255) NOT NULL PRIMARY KEY,
    purpose VARCHAR(32) NOT NULL,
    name VARCHAR(255),
    created DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at DATETIME
  )`,
  `CREATE TABLE IF NOT EXISTS orrery_machine_samples (
    at DATETIME NOT NULL PRIMARY KEY,
    cpu DOUBLE PRECISION NOT NULL,
    processors INTEGER NOT NULL,
    memory_bytes BIGINT NOT NULL,
    memory_total_bytes BIGINT NOT NULL,
    load DOUBLE PRECISION NOT NULL,
    servers INTEGER NOT NULL
  )`,
]

export const OWN_TABLE_NAMES: readonly string[] = OWN_TABLES.flatMap(
  statement => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement)?.[1] ?? [],
)

/** What leads from version n to n + 1, by n. New databases get OWN_TABLES and none of these. */
export const OWN_CHANGES: Readonly<Record<number, readonly string[]>> = {}
