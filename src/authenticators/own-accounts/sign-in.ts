import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from '../../plugin/account-store.ts'
import type { AuthContext, Authenticated, LoginAttempt, Refused } from '../../plugin/authenticator.ts'
import { normalName } from './account-names.ts'
import type { OwnAccountsSetup } from './options.ts'
import { MAX_PASSWORD_LENGTH } from './password-rules.ts'

/** Time to choose a new password after signing in with a temporary one. */
const MUST_CHANGE_LINK_MS = 15 * 60_000

/**
 * Checks name and password. Only one who knows the password hears more than "wrong": that the account waits for
 * approval, or that a new password is due.
 */
export async function signInWithPassword(
  setup: OwnAccountsSetup,
  attempt: LoginAttempt,
  context: AuthContext,
): Promise<Authenticated | Refused> {
  const floor = sleep(setup.refusalFloorMs, undefined, { ref: false })
  const account = await provenAccount(setup, attempt.form, context)
  if (!account) {
    // Unknown name, wrong password, scrypt or bcrypt: all answer after the same time.
    await floor
    return WRONG_CREDENTIALS
  }
  const { accounts, isNamedInConfig } = setup
  if (!account.approved) {
    if (!isNamedInConfig(account.name)) return WAITING
    await accounts.approve(account.name, 'configuration')
  }
  if (account.mustChange) return newPasswordDue(setup, account.name, context)
  return { name: account.name, allowed: true }
}

async function provenAccount(
  { accounts, hasher }: OwnAccountsSetup,
  form: LoginAttempt['form'],
  context: AuthContext,
): Promise<Account | undefined> {
  const name = normalName(form.username ?? '')
  const password = form.password ?? ''
  if (password.length > MAX_PASSWORD_LENGTH * 2) return undefined
  const account = await accounts.find(name)
  const verdict = await hasher.verify(password, account?.passwordHash)
  if (verdict === 'weak') {
    await accounts.setPassword(name, await hasher.hash(password), { mustChange: account?.mustChange ?? false })
    context.log.info({ user: name }, 'password hashed anew')
  }
  return verdict === 'wrong' ? undefined : account
}

async function newPasswordDue(setup: OwnAccountsSetup, name: string, context: AuthContext): Promise<Refused> {
  const expiresAt = new Date(context.now().getTime() + MUST_CHANGE_LINK_MS)
  const link = await setup.links.create({ purpose: 'reset-password', name, expiresAt })
  return {
    refused: 'password_change_due',
    message: 'Choose a new password first.',
    status: 403,
    countsAsFailure: false,
    continueAt: `reset-password?link=${link}`,
  }
}

const WRONG_CREDENTIALS: Refused = {
  refused: 'wrong_credentials',
  message: 'Name or password is wrong.',
  status: 401,
}

const WAITING: Refused = {
  refused: 'waiting_for_approval',
  message: 'The account waits until an administrator approves it.',
  status: 403,
  countsAsFailure: false,
}
