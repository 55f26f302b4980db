/** The authenticator that a config describes. */
import { dummy } from '../../authenticators/dummy/dummy.ts'
import { nobody } from '../../authenticators/nobody/nobody.ts'
import { ownAccounts } from '../../authenticators/own-accounts/own-accounts.ts'
import { pam } from '../../authenticators/pam/pam.ts'
import { sharedPassword } from '../../authenticators/shared-password/shared-password.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { endSessions } from '../../features/accounts/end-sessions.ts'
import { sqlOneTimeLinkStore } from '../../features/accounts/one-time-links.ts'
import { sqlAccountStore } from '../../features/accounts/store.ts'
import type { UserNames } from '../../features/users/user-names.ts'
import { findUser } from '../../features/users/user-store.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'

export interface AuthenticatorParts {
  readonly config: Config
  readonly database: Database
  readonly launcher: LauncherClient
  readonly names: UserNames
  readonly clock: Clock
}

export function makeAuthenticator(parts: AuthenticatorParts): Authenticator {
  const { authenticator } = parts.config
  if (!('kind' in authenticator)) return authenticator
  switch (authenticator.kind) {
    case 'own-accounts':
      return makeOwnAccounts(parts, authenticator)
    case 'pam': {
      const { kind, ...options } = authenticator
      const { adminGroups, allowedGroups } = parts.config.access
      const manageGroups = options.manageGroups || parts.config.access.manageGroups
      return pam({ ...options, manageGroups, adminGroups, allowedGroups, launcher: parts.launcher })
    }
    case 'dummy':
      return dummy({ password: authenticator.password, welcomeAll: parts.config.access.allowedUsers.length === 0 })
    case 'nobody':
      return nobody()
    case 'shared-password': {
      const { kind, ...options } = authenticator
      return sharedPassword({ ...options, adminUsers: parts.config.access.adminUsers.map(parts.names.normalize) })
    }
  }
}

function makeOwnAccounts(
  { config, database, names, clock }: AuthenticatorParts,
  options: Extract<Config['authenticator'], { kind: 'own-accounts' }>,
): Authenticator {
  const { adminUsers, allowedUsers } = config.access
  const named = new Set([...adminUsers, ...allowedUsers].map(names.normalize))
  return ownAccounts({
    accounts: sqlAccountStore(database, clock),
    links: sqlOneTimeLinkStore(database, clock),
    signUp: options.signUp,
    minimumPasswordLength: options.minimumPasswordLength,
    checkCommonPasswords: options.checkCommonPasswords,
    askEmail: options.askEmail,
    // Whoever signs up first under an administrator's name would be one.
    reservedNames: adminUsers.map(names.normalize),
    isNamedInConfig: name => named.has(name),
    isKnownUser: async name => (await findUser(database.db, name)) !== undefined,
    endSessions: name => endSessions(database, name),
  })
}
