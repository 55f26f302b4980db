/** What the config says about the content of the database, brought there before the first request. */
import type { Config } from '../../config/schema.ts'
import type { ServiceConfig } from '../../config/services-section.ts'
import { HubError } from '../../core/errors.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { ScopeDefinitions } from '../../core/scopes/definitions.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import { applyConfiguredGroups } from '../../features/groups/configured-groups.ts'
import { applyConfiguredRoles } from '../../features/roles/configured-roles.ts'
import { applyManagedRoles } from '../../features/roles/managed-roles.ts'
import { applyConfiguredServices, type ReadyService } from '../../features/services/configured-services.ts'
import { ensureRolesAndUsers } from '../../features/sign-in/default-roles.ts'
import type { UserNames } from '../../features/users/user-names.ts'
import type { Authenticator, ManagedRole } from '../../plugin/authenticator.ts'

/** In JupyterHub's order: users, groups, services, and roles last, which name all of them. */
export async function applyConfiguration(parts: {
  config: Config
  database: Database
  subdomains: Subdomains | undefined
  names: UserNames
  scopeDefinitions: ScopeDefinitions
  clock: Clock
  log: Logger
  authenticator: Pick<Authenticator, 'managedRoles'>
}): Promise<{ services: ReadyService<ServiceConfig>[]; managedRoleNames: string[] }> {
  const { config, authenticator, ...deps } = parts
  await ensureRolesAndUsers(deps, config.access)
  await applyConfiguredGroups(deps, config.groups)
  const services = await applyConfiguredServices(
    { ...deps, baseUrl: config.baseUrl, subdomains: parts.subdomains },
    config.services,
  )
  const { adminUsers, resetManagedRolesOnStartup: reset } = config.access
  const roleDeps = { ...deps, adminUsers, extraUserScopes: config.extraUserScopes }
  await applyConfiguredRoles(roleDeps, config.roles)
  const managed = await managedRoles(parts)
  if (managed) await applyManagedRoles(roleDeps, managed, { reset })
  return { services, managedRoleNames: (managed ?? []).map(role => role.name) }
}

/** Undefined where the authenticator does not manage roles. Throws HubError `managed_roles_not_told`. */
async function managedRoles({
  config: { access },
  authenticator,
  clock,
  log,
}: {
  config: Pick<Config, 'access'>
  authenticator: Pick<Authenticator, 'managedRoles'>
  clock: Clock
  log: Logger
}): Promise<readonly ManagedRole[] | undefined> {
  if (!access.manageRoles) return undefined
  const signal = AbortSignal.timeout(MANAGED_ROLES_MS)
  if (authenticator.managedRoles) return authenticator.managedRoles({ log, signal, now: () => clock.now() })
  if (!access.resetManagedRolesOnStartup) return []
  // As JupyterHub: it would remove every managed role.
  throw new HubError('managed_roles_not_told', {
    status: 500,
    message: 'access.resetManagedRolesOnStartup is set, but the authenticator names no roles at the start.',
    nextStep: 'Take the option away, or give the authenticator managedRoles().',
  })
}

const MANAGED_ROLES_MS = 60_000
