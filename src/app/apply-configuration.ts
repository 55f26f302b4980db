/** What the config says about the content of the database, brought there before the first request. */
import type { Config } from '../config/schema.ts'
import type { ServiceConfig } from '../config/services-section.ts'
import type { Clock, Logger } from '../core/runtime.ts'
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import type { Database } from '../db/database.ts'
import { applyConfiguredGroups } from '../features/groups/configured-groups.ts'
import { applyConfiguredRoles } from '../features/roles/configured-roles.ts'
import { applyConfiguredServices, type ReadyService } from '../features/services/configured-services.ts'
import { ensureRolesAndUsers } from '../features/sign-in/default-roles.ts'
import type { UserNames } from '../features/users/user-names.ts'

/** In JupyterHub's order: users, groups, services, and roles last, which name all of them. Returns the services. */
export async function applyConfiguration(parts: {
  config: Config
  database: Database
  names: UserNames
  scopeDefinitions: ScopeDefinitions
  clock: Clock
  log: Logger
}): Promise<ReadyService<ServiceConfig>[]> {
  const { config, ...deps } = parts
  await ensureRolesAndUsers(deps, config.access)
  await applyConfiguredGroups(deps, config.groups)
  const services = await applyConfiguredServices({ ...deps, baseUrl: config.baseUrl }, config.services)
  await applyConfiguredRoles(
    { ...deps, adminUsers: config.access.adminUsers, extraUserScopes: config.extraUserScopes },
    config.roles,
  )
  return services
}
