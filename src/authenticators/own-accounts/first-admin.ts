import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { nameFault, normalName } from './account-names.ts'
import type { OwnAccountsSetup } from './options.ts'
import type { FirstAdminPageVars } from './page-vars.ts'
import { passwordFaults } from './password-rules.ts'
import { TAKEN } from './sign-up.ts'

/** GET /hub/first-admin?link=... */
export async function showFirstAdmin(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const link = request.query.link ?? ''
  if (!(await isFirstAdminLink(setup, link))) return firstAdminPage(setup, request, { state: 'invalid' }, 403)
  return firstAdminPage(setup, request, { link })
}

/** POST /hub/first-admin: makes the account, approved, signs it in as an administrator. The link works once. */
export async function makeFirstAdmin(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const { form, context } = request
  const link = form.link ?? ''
  if (!(await isFirstAdminLink(setup, link))) return firstAdminPage(setup, request, { state: 'invalid' }, 403)
  const name = normalName(form.username ?? '')
  const password = { name, password: form.password ?? '', confirm: form.password_confirm ?? '' }
  const faults = [
    // Names of administrators are reserved for this very page.
    nameFault(name, { ...setup.nameRules, reserved: new Set() }),
    ...(await passwordFaults(password, setup.passwordRules)),
  ].filter(fault => fault !== undefined)
  if (faults.length > 0) return firstAdminPage(setup, request, { link, username: name, faults }, 400)

  const passwordHash = await setup.hasher.hash(password.password)
  if (!(await setup.accounts.add({ name, passwordHash, approved: false }))) {
    return firstAdminPage(setup, request, { link, username: name, faults: [TAKEN] }, 409)
  }
  // Used up last, so that a fault costs no link; of two requests at once the second finds it used.
  if (!(await setup.links.consume(link))) {
    await setup.accounts.remove(name)
    return firstAdminPage(setup, request, { state: 'invalid' }, 403)
  }
  await setup.accounts.approve(name, 'first-admin link')
  context.log.info({ user: name, address: request.address }, 'first administrator made')
  return { signedIn: { name, admin: true, allowed: true }, next: request.hubUrl('home') }
}

async function isFirstAdminLink({ links }: OwnAccountsSetup, link: string): Promise<boolean> {
  return (await links.peek(link))?.purpose === 'first-admin'
}

function firstAdminPage(
  setup: OwnAccountsSetup,
  request: PluginRequest,
  now: Partial<FirstAdminPageVars>,
  status = 200,
): PluginResponse {
  const vars: FirstAdminPageVars = {
    state: 'form',
    link: '',
    username: '',
    faults: [],
    passwordRules: setup.passwordRules,
    usernameHint: setup.nameRules.hint,
    action: request.hubUrl('first-admin'),
    loginUrl: request.hubUrl('login'),
    ...now,
  }
  return { page: 'first-admin.html', status, vars: { ...vars } }
}
