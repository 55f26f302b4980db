import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import type { OwnAccountsSetup } from './options.ts'
import type { ChangePasswordPageVars } from './page-vars.ts'

/** The one template for all three occasions, see `ChangePasswordPageVars`. */
export function changePasswordPage(
  setup: OwnAccountsSetup,
  request: PluginRequest,
  now: Pick<ChangePasswordPageVars, 'occasion'> & Partial<ChangePasswordPageVars>,
  status = 200,
): PluginResponse {
  const actions = {
    self: request.hubUrl('change-password'),
    link: request.hubUrl('reset-password'),
    admin: request.hubUrl(`change-password/${encodeURIComponent(now.name ?? '')}`),
  }
  const vars: ChangePasswordPageVars = {
    state: 'form',
    name: undefined,
    link: '',
    faults: [],
    passwordRules: setup.passwordRules,
    action: actions[now.occasion],
    loginUrl: request.hubUrl('login'),
    resetLink: undefined,
    temporaryPassword: undefined,
    expiresAt: undefined,
    ...now,
  }
  return { page: 'change-password.html', status, vars: { ...vars } }
}
