import type { Authenticator, PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { resetByAdmin, showAdminReset } from './admin-reset.ts'
import { decide, showAccounts } from './authorize.ts'
import { changePassword, resetPassword, showChangePassword, showResetPassword } from './change-password.ts'
import { makeFirstAdmin, showFirstAdmin } from './first-admin.ts'
import { type OwnAccountsOptions, type OwnAccountsSetup, withDefaults } from './options.ts'
import { signInWithPassword } from './sign-in.ts'
import { showSignUp, signUp } from './sign-up.ts'

/**
 * Accounts that Orrery keeps itself, in the hub's database: sign-up, approval by an administrator, passwords hashed
 * with scrypt, one-time links for the first administrator and for resets. Takes over NativeAuthenticator's accounts.
 */
export function ownAccounts(options: OwnAccountsOptions): Authenticator {
  const setup = withDefaults(options)
  const using = (page: Page) => (request: PluginRequest) => page(setup, request)
  return {
    name: 'own-accounts',
    login: { kind: 'form', signUp: setup.signUp !== 'closed' },
    authenticate: (attempt, context) => signInWithPassword(setup, attempt, context),
    routes(router) {
      router.get('signup', 'everyone', using(showSignUp))
      router.post('signup', 'everyone', using(signUp))
      router.get('first-admin', 'everyone', using(showFirstAdmin))
      router.post('first-admin', 'everyone', using(makeFirstAdmin))
      router.get('reset-password', 'everyone', using(showResetPassword))
      router.post('reset-password', 'everyone', using(resetPassword))
      router.get('change-password', 'signed-in', using(showChangePassword))
      router.post('change-password', 'signed-in', using(changePassword))
      router.get('change-password/:name', 'admin', using(showAdminReset))
      router.post('change-password/:name', 'admin', using(resetByAdmin))
      router.get('authorize', 'admin', using(showAccounts))
      router.post('authorize', 'admin', using(decide))
    },
    // Who is removed from the hub must not come back by an account that was approved once.
    userDeleted: async user => {
      await setup.accounts.remove(user.name)
    },
  }
}

type Page = (setup: OwnAccountsSetup, request: PluginRequest) => Promise<PluginResponse>
