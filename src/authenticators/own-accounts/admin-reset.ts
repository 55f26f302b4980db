import { randomInt } from 'node:crypto'
import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { normalName } from './account-names.ts'
import { changePasswordPage } from './change-password-page.ts'
import type { OwnAccountsSetup } from './options.ts'

/** GET /hub/change-password/:name, for administrators. */
export async function showAdminReset(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const name = normalName(request.params.name ?? '')
  if (name === request.user!.name) return { redirect: request.hubUrl('change-password') }
  if (!(await setup.accounts.find(name))) {
    return changePasswordPage(setup, request, { occasion: 'admin', state: 'none', name }, 404)
  }
  return changePasswordPage(setup, request, { occasion: 'admin', name })
}

/**
 * POST /hub/change-password/:name with `how` = `link` (the old password works until the link is used) or `temporary`
 * (replaces it at once, ends the user's sessions, and has to be changed at the next sign-in).
 */
export async function resetByAdmin(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const name = normalName(request.params.name ?? '')
  const by = request.user!.name
  if (!(await setup.accounts.find(name))) {
    return changePasswordPage(setup, request, { occasion: 'admin', state: 'none', name }, 404)
  }
  const how = request.form.how === 'temporary' ? 'temporary' : 'link'
  const result = how === 'temporary' ? await setTemporary(setup, name) : await makeLink(setup, request, name)
  request.context.log.info({ user: name, by, how }, 'password reset by an administrator')
  return changePasswordPage(setup, request, { occasion: 'admin', state: 'done', name, ...result })
}

async function makeLink(setup: OwnAccountsSetup, request: PluginRequest, name: string) {
  const expiresAt = new Date(request.context.now().getTime() + setup.resetLinkMs)
  const link = await setup.links.create({ purpose: 'reset-password', name, expiresAt })
  return { resetLink: `${request.hubUrl('reset-password')}?link=${link}`, expiresAt }
}

async function setTemporary(setup: OwnAccountsSetup, name: string) {
  const temporaryPassword = randomPassword()
  await setup.accounts.setPassword(name, await setup.hasher.hash(temporaryPassword), { mustChange: true })
  await setup.endSessions(name)
  return { temporaryPassword }
}

/** Without characters that are mistaken for one another when read out. */
const CHARACTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/** Four groups of four, 80 random bits. */
export function randomPassword(): string {
  const group = () => Array.from({ length: 4 }, () => CHARACTERS[randomInt(CHARACTERS.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}
