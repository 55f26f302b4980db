import { passwordHasher } from '../authenticators/own-accounts/password-hash.ts'
import { passwordFaults } from '../authenticators/own-accounts/password-rules.ts'
import type { Config } from '../config/schema.ts'
import { HubError } from '../core/errors.ts'
import { endSessions } from '../features/accounts/end-sessions.ts'
import { sqlAccountStore } from '../features/accounts/store.ts'
import { askPassword } from './ask-password.ts'
import type { ConfigFlags } from './config-flags.ts'
import { getUser } from './get-user.ts'
import { withDatabase } from './with-database.ts'

export interface PasswordFlags extends ConfigFlags {
  readonly mustChange?: boolean
}

/** `orrery user passwd`: an account that is missing is made, approved, for a user that the hub knows. */
export async function setPassword(name: string, flags: PasswordFlags): Promise<void> {
  await withDatabase(flags, async (database, config) => {
    const user = await getUser(database.db, name)
    const rules = passwordRules(config)
    const password = await askPassword(`New password of ${user.name}`)
    const [fault] = await passwordFaults({ password, confirm: password, name: user.name }, rules)
    if (fault) throw new HubError(fault.code, { status: 400, message: fault.message })

    const accounts = sqlAccountStore(database)
    const passwordHash = await passwordHasher().hash(password)
    const mustChange = flags.mustChange ?? false
    const changed = await accounts.setPassword(user.name, passwordHash, { mustChange })
    if (!changed) await accounts.add({ name: user.name, passwordHash, approved: true, mustChange })
    await endSessions(database, user.name)
    console.log(`The password of ${user.name} was ${changed ? 'changed' : 'set'}.`)
  })
}

function passwordRules({ authenticator }: Config) {
  if ('kind' in authenticator && authenticator.kind === 'own-accounts') {
    return { minimumLength: authenticator.minimumPasswordLength, refusesCommon: authenticator.checkCommonPasswords }
  }
  throw new HubError('no_own_accounts', {
    status: 400,
    message: 'Passwords are not kept by Orrery here: the config chooses another authenticator.',
    nextStep: 'Change the password where people have it, for example with passwd.',
  })
}
