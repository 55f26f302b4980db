import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { changePasswordPage } from './change-password-page.ts'
import type { OwnAccountsSetup } from './options.ts'
import type { FormFault } from './page-vars.ts'
import { passwordFaults } from './password-rules.ts'

/** GET /hub/change-password, of the one who is signed in. */
export async function showChangePassword(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const name = request.user!.name // the route is for signed-in users
  const account = await setup.accounts.find(name)
  const state = account ? ('changed' in request.query ? 'done' : 'form') : 'none'
  return changePasswordPage(setup, request, { occasion: 'self', state, name })
}

/** POST /hub/change-password: the old one has to be given too. All other sessions of the user end. */
export async function changePassword(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const name = request.user!.name
  const { accounts, hasher, passwordRules } = setup
  const page = (faults: FormFault[], status: number) =>
    changePasswordPage(setup, request, { occasion: 'self', name, faults }, status)
  const account = await accounts.find(name)
  if (!account) return changePasswordPage(setup, request, { occasion: 'self', state: 'none', name }, 404)
  const { old_password: old = '', password = '', password_confirm: confirm = '' } = request.form
  const faults = await passwordFaults({ name, password, confirm }, passwordRules)
  if (faults.length > 0) return page(faults, 400)
  const wait = await request.throttle(`old-password:${name}`)
  if (wait) return page([tooManyTries(wait.retryAfter)], 429)
  if ((await hasher.verify(old, account.passwordHash)) === 'wrong') return page([WRONG_OLD], 403)

  await accounts.setPassword(name, await hasher.hash(password))
  await setup.endSessions(name)
  request.context.log.info({ user: name, address: request.address }, 'password changed')
  return { signedIn: { name, allowed: true }, next: `${request.hubUrl('change-password')}?changed` }
}

/** GET /hub/reset-password?link=... */
export async function showResetPassword(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const link = request.query.link ?? ''
  const name = await nameOfLink(setup, link)
  if (name === undefined) return changePasswordPage(setup, request, { occasion: 'link', state: 'invalid' }, 403)
  return changePasswordPage(setup, request, { occasion: 'link', name, link })
}

/** POST /hub/reset-password: a new password by a link that works once. */
export async function resetPassword(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const { link = '', password = '', password_confirm: confirm = '' } = request.form
  const invalid = () => changePasswordPage(setup, request, { occasion: 'link', state: 'invalid' }, 403)
  const name = await nameOfLink(setup, link)
  if (name === undefined) return invalid()
  const faults = await passwordFaults({ name, password, confirm }, setup.passwordRules)
  if (faults.length > 0) return changePasswordPage(setup, request, { occasion: 'link', name, link, faults }, 400)
  const passwordHash = await setup.hasher.hash(password)
  if (!(await setup.links.consume(link))) return invalid()
  if (!(await setup.accounts.setPassword(name, passwordHash))) return invalid()
  await setup.endSessions(name)
  request.context.log.info({ user: name, address: request.address }, 'password chosen by a reset link')
  return changePasswordPage(setup, request, { occasion: 'link', state: 'done', name })
}

async function nameOfLink({ links }: OwnAccountsSetup, link: string): Promise<string | undefined> {
  const found = await links.peek(link)
  return found?.purpose === 'reset-password' ? found.name : undefined
}

const WRONG_OLD: FormFault = { field: 'old_password', code: 'wrong_password', message: 'The old password is wrong.' }

/** For every page whose tries are counted. */
export function tooManyTries(seconds: number): FormFault {
  const minutes = Math.ceil(seconds / 60)
  const message = `Too many tries. Wait ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`
  return { field: undefined, code: 'too_many_tries', message }
}
