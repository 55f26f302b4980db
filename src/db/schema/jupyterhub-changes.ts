/** One step of JupyterHub's own history of its tables. */
export interface SchemaChange {
  readonly from: string
  readonly to: string
  /** In SQLite's words; `postgresDdl` puts them into PostgreSQL's. */
  readonly statements: readonly string[]
}

/** JupyterHub 3.0 is the oldest that is upgraded here; older ones go through a JupyterHub in between. */
export const JUPYTERHUB_CHANGES: readonly SchemaChange[] = [
  // 3.x -> 4.0
  { from: '651f5419b74d', to: '0eee8c825d24', statements: ['ALTER TABLE groups ADD COLUMN properties TEXT'] },
  // 4.x -> 5.0
  {
    from: '0eee8c825d24',
    to: '3c2384c5aae1',
    statements: [
      'ALTER TABLE services ADD COLUMN from_config BOOLEAN',
      'UPDATE services SET from_config = true',
      'ALTER TABLE services ADD COLUMN url VARCHAR(2047)',
      'ALTER TABLE services ADD COLUMN oauth_client_allowed_scopes TEXT',
      'ALTER TABLE services ADD COLUMN info TEXT',
      'ALTER TABLE services ADD COLUMN display BOOLEAN',
      'ALTER TABLE services ADD COLUMN oauth_no_confirm BOOLEAN',
      'ALTER TABLE services ADD COLUMN command TEXT',
      'ALTER TABLE services ADD COLUMN cwd VARCHAR(2047)',
      'ALTER TABLE services ADD COLUMN environment TEXT',
      'ALTER TABLE services ADD COLUMN "user" VARCHAR(255)',
    ],
  },
  {
    from: '3c2384c5aae1',
    to: '4621fec11365',
    statements: ['group_role_map', 'roles', 'service_role_map', 'user_role_map'].map(
      table => `ALTER TABLE ${table} ADD COLUMN managed_by_auth BOOLEAN DEFAULT false NOT NULL`,
    ),
  },
  // 5.x -> 6.x
  {
    from: '4621fec11365',
    to: 'be8ecf03ddac',
    statements: ["ALTER TABLE services ADD COLUMN timeout INTEGER DEFAULT '30' NOT NULL"],
  },
  {
    from: 'be8ecf03ddac',
    to: 'afd65840b69e',
    statements: [
      'ALTER TABLE oauth_codes ADD COLUMN code_challenge VARCHAR(255)',
      'ALTER TABLE oauth_codes ADD COLUMN code_challenge_method VARCHAR(64)',
    ],
  },
  { from: 'afd65840b69e', to: 'ff1860e38070', statements: ['ALTER TABLE users ADD COLUMN user_info TEXT'] },
  {
    from: 'ff1860e38070',
    to: 'f460b0348206',
    statements: ['ALTER TABLE spawners ADD COLUMN display_name VARCHAR(255)'],
  },
]

/** Is this an older revision of JupyterHub's, that we can or cannot upgrade? */
export function knownRevision(revision: string): boolean {
  return JUPYTERHUB_CHANGES.some(change => change.from === revision) || TOO_OLD.has(revision)
}

/** Revisions before JupyterHub 3.0: recognised, so that the message tells the way, but not upgraded here. */
export const TOO_OLD: ReadonlySet<string> = new Set([
  '833da8570507',
  '4dc2d5a8c53c',
  '896818069c98',
  'd68c98b66cd4',
  '99a28a4418e1',
  '56cc5a70207e',
  '1cebaf56856c',
  '3ec6993fe20c',
  'af4cbdb2d13c',
  'eeb276e51423',
  '19c0846f6344',
])
