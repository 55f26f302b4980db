/** Where auth state is kept, and with which keys. */
import type { Config } from '../../config/schema.ts'
import { readCryptKeys } from '../../core/crypt-keys.ts'
import { HubError } from '../../core/errors.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { type AuthStateStore, createAuthStateStore } from '../../features/users/auth-state.ts'

/**
 * Undefined without keys. With keys alone it is read and may be written by the REST API, as in JupyterHub; signing in
 * keeps it only where it is enabled. Throws HubError `crypt_key_invalid`, and `crypt_key_missing` where it is enabled.
 */
export function makeAuthState({
  config,
  ...deps
}: {
  config: Pick<Config, 'authState'>
  database: Database
  clock: Clock
  log: Logger
}): AuthStateStore | undefined {
  const keys = readCryptKeys(config.authState.keys, process.env)
  if (keys.length > 0) return createAuthStateStore({ ...deps, keys })
  if (!config.authState.enabled) return undefined
  throw new HubError('crypt_key_missing', {
    status: 500,
    message: 'Auth state is to be kept (authState.enabled), but there is no key to encrypt it with.',
    nextStep: 'Make one with: openssl rand -hex 32. Set it as authState.keys or as JUPYTERHUB_CRYPT_KEY.',
  })
}
