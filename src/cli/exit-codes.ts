import { HubError } from '../core/errors.ts'

/** What the exit status of `orrery` says; the numbers are those of BSD's sysexits.h where it has one. */
export const EXIT_CODES = {
  ok: { status: 0, meaning: 'all went well' },
  failure: { status: 1, meaning: 'something failed that has no number of its own' },
  usage: { status: 2, meaning: 'the command line is wrong' },
  unavailable: { status: 69, meaning: 'something that is needed is missing: Python, a package, the database' },
  cannotCreate: { status: 73, meaning: 'a file or folder cannot be made' },
  temporary: { status: 75, meaning: 'a port or the data folder is in use; it may work later' },
  permission: { status: 77, meaning: 'not permitted' },
  config: { status: 78, meaning: 'the configuration is wrong' },
} as const

const { failure, unavailable, cannotCreate, temporary, permission, config } = EXIT_CODES

const BY_CODE: Readonly<Record<string, number>> = {
  check_unknown: EXIT_CODES.usage.status,
  config_invalid: config.status,
  config_unsupported: config.status,
  config_python_unusable: unavailable.status,
  config_file_unsafe: permission.status,
  config_file_exists: cannotCreate.status,
  database_url_invalid: config.status,
  address_unusable: config.status,
  proxy_options_invalid: config.status,
  cookie_secret_invalid: config.status,
  custom_scope_invalid: config.status,
  shared_password_invalid: config.status,
  python_missing: unavailable.status,
  python_too_old: unavailable.status,
  python_venv_missing: unavailable.status,
  python_packages_failed: unavailable.status,
  singleuser_unusable: unavailable.status,
  database_unreachable: unavailable.status,
  database_refused: unavailable.status,
  database_corrupt: unavailable.status,
  database_missing: unavailable.status,
  database_foreign: unavailable.status,
  database_too_old: unavailable.status,
  database_too_new: unavailable.status,
  data_folder_unusable: cannotCreate.status,
  disk_full: cannotCreate.status,
  database_readonly: cannotCreate.status,
  database_not_writable: cannotCreate.status,
  system_user_missing: cannotCreate.status,
  port_taken: temporary.status,
  data_folder_in_use: temporary.status,
  database_locked: temporary.status,
  port_forbidden: permission.status,
  folder_unsafe: permission.status,
  secret_file_unsafe: permission.status,
  cookie_secret_exposed: permission.status,
  cookie_secret_unreadable: permission.status,
  snapshot_unreadable: config.status,
}

/** Status for a code, where it has one of its own. */
export function exitStatusOfCode(code: string): number | undefined {
  return BY_CODE[code]
}

/** Status for an error that ended a command. */
export function exitStatusOf(error: unknown): number {
  // A part that could not start has said why with its own status.
  if (error instanceof HubError && error.code === 'child_failed') return Number(error.detail?.status) || failure.status
  if (error instanceof HubError) return exitStatusOfCode(error.code) ?? failure.status
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (code === 'EACCES' || code === 'EPERM') return permission.status
  if (code === 'EADDRINUSE') return temporary.status
  return code === 'ENOSPC' || code === 'EROFS' ? cannotCreate.status : failure.status
}
