import { networkOf } from '../../core/network-of.ts'
import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { nameFault, normalName } from './account-names.ts'
import { tooManyTries } from './change-password.ts'
import type { OwnAccountsSetup } from './options.ts'
import type { FormFault, SignUpPageVars } from './page-vars.ts'
import { passwordFaults } from './password-rules.ts'

/** More accounts than this do not wait: whoever floods the list cannot fill the disk. */
const MAX_WAITING = 1000

/** Of one address, in the time of `signIn.window`: a class signs up in one lesson, a guesser of names needs more. */
const SIGN_UPS_OF_AN_ADDRESS = 200

/** GET /hub/signup */
export async function showSignUp(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  if (setup.signUp === 'closed') return signUpPage(setup, request, { state: 'closed' }, 403)
  return signUpPage(setup, request, {})
}

/** POST /hub/signup. Nothing is stored unless everything is right. */
export async function signUp(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  if (setup.signUp === 'closed') return signUpPage(setup, request, { state: 'closed' }, 403)
  const { form, context } = request
  const name = normalName(form.username ?? '')
  const email = (form.email ?? '').trim()
  const typed = { username: name, email }
  const password = { name, password: form.password ?? '', confirm: form.password_confirm ?? '' }
  const faults = [
    nameFault(name, setup.nameRules),
    setup.askEmail ? emailFault(email) : undefined,
    ...(await passwordFaults(password, setup.passwordRules)),
  ].filter(fault => fault !== undefined)
  if (faults.length > 0) return signUpPage(setup, request, { ...typed, faults }, 400)

  const wait = await request.throttle(`sign-up:${networkOf(request.address)}`, SIGN_UPS_OF_AN_ADDRESS)
  if (wait) return signUpPage(setup, request, { ...typed, faults: [tooManyTries(wait.retryAfter)] }, 429)
  const approved = setup.signUp === 'open' && !(await setup.isKnownUser(name))
  if (!approved && (await isFull(setup))) return signUpPage(setup, request, { ...typed, faults: [FULL] }, 503)
  const passwordHash = await setup.hasher.hash(password.password)
  const account = { name, passwordHash, approved, ...(setup.askEmail && { email }) }
  if (!(await setup.accounts.add(account))) return signUpPage(setup, request, { ...typed, faults: [TAKEN] }, 409)
  context.log.info({ user: name, address: request.address, approved }, 'account made by sign-up')
  return signUpPage(setup, request, { ...typed, state: approved ? 'ready' : 'waiting' })
}

function signUpPage(
  setup: OwnAccountsSetup,
  request: PluginRequest,
  now: Partial<SignUpPageVars>,
  status = 200,
): PluginResponse {
  const vars: SignUpPageVars = {
    state: 'form',
    needsApproval: setup.signUp !== 'open',
    asksEmail: setup.askEmail,
    username: '',
    email: '',
    faults: [],
    passwordRules: setup.passwordRules,
    usernameHint: setup.nameRules.hint,
    action: request.hubUrl('signup'),
    loginUrl: request.hubUrl('login'),
    ...now,
  }
  return { page: 'signup.html', status, vars: { ...vars } }
}

async function isFull({ accounts }: OwnAccountsSetup): Promise<boolean> {
  const { total } = await accounts.list({ offset: 0, limit: 1, approved: false })
  return total >= MAX_WAITING
}

function emailFault(email: string): FormFault | undefined {
  if (/^[^@\s]{1,64}@[^@\s]{1,189}$/.test(email)) return undefined
  return { field: 'email', code: 'email_invalid', message: 'This is no e-mail address.' }
}

/** For every page that makes an account. */
export const TAKEN: FormFault = { field: 'username', code: 'name_taken', message: 'This name is taken.' }

const FULL: FormFault = {
  field: undefined,
  code: 'too_many_waiting',
  message: 'Too many accounts wait for approval; an administrator has to look at them first.',
}
