import { HubError } from '../../core/errors.ts'
import type { LauncherClient } from '../../launcher/client.ts'
import type { LinuxUserFacts } from '../../launcher/protocol.ts'
import type { AuthContext, Authenticated, Authenticator, LoginAttempt, Refused } from '../../plugin/authenticator.ts'
import { launcherRefusal, pamRefusal } from './refusals.ts'

export interface PamOptions {
  readonly launcher: LauncherClient
  /** A file in /etc/pam.d. */
  readonly service?: string
  /** Ask PAM also whether the account may log in now: expired, password to be changed. */
  readonly checkAccount?: boolean
  /** Open a PAM session before a server starts and close it after. Makes homes (pam_mkhomedir); its limits do not reach the server. */
  readonly openSessions?: boolean
  /** Members of these Linux groups become administrators at sign-in. */
  readonly adminGroups?: readonly string[]
  /** Members of these Linux groups may enter, whatever other rules say. */
  readonly allowedGroups?: readonly string[]
  /** The hub's groups of a user become those of Linux at each sign-in. */
  readonly manageGroups?: boolean
}

/** Longer than a slow directory takes; the launcher gives up before. */
const PAM_CALL_MS = 45_000

/** Linux users of this machine sign in with their passwords. PAM is asked in the launcher, never in the hub. */
export function pam(options: PamOptions): Authenticator {
  const { launcher, service = 'login', checkAccount = true, openSessions = false } = options

  async function authenticate(attempt: LoginAttempt, context: AuthContext): Promise<Authenticated | Refused> {
    // As JupyterHub does, names are taken in lower case: else `Bob` of Linux would enter as the hub's `bob`.
    const name = (attempt.form.username ?? '').trim().toLowerCase()
    const password = attempt.form.password ?? ''
    // An empty password is not asked for: PAM services with `nullok` let users without one in from the console.
    if (name === '' || password === '') return pamRefusal('wrong_credentials')
    try {
      const asked = { name, password, service, checkAccount, address: attempt.address }
      const { signal } = context
      const answer = await launcher.call('pamAuthenticate', asked, { signal, timeoutMs: PAM_CALL_MS })
      return answer.authenticated ? identityOf(answer.user) : pamRefusal(answer.refused)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      if (error.code === 'request_refused') return pamRefusal('wrong_credentials') // no name a Linux user can have
      context.log.error({ err: error }, 'pam cannot be asked')
      return launcherRefusal(error)
    }
  }

  function identityOf({ name, groups }: LinuxUserFacts): Authenticated {
    const isIn = (wanted: readonly string[] | undefined) => wanted?.some(group => groups.includes(group)) ?? false
    return {
      name,
      ...(isIn(options.adminGroups) && { admin: true }),
      ...(isIn(options.allowedGroups) && { allowed: true }),
      ...(options.manageGroups && { groups }),
    }
  }

  async function session(name: string, action: 'open' | 'close'): Promise<void> {
    // A session that fails must not keep anybody from a server; the launcher logs why.
    await launcher.call('pamSession', { name, service, action }, { timeoutMs: PAM_CALL_MS }).catch(error => {
      if (!(error instanceof HubError)) throw error
    })
  }

  return {
    name: 'pam',
    login: { kind: 'form' },
    authenticate,
    async userAdded(user) {
      const found = await launcher.call('lookupUser', { name: user.name })
      if (found.user) return
      throw new HubError('linux_user_missing', {
        status: 400,
        message: `There is no Linux user ${user.name} on this machine.`,
        nextStep: 'Add the Linux user first (useradd), then the user of the hub.',
      })
    },
    ...(openSessions && {
      beforeSpawn: user => session(user.name, 'open'),
      afterStop: user => session(user.name, 'close'),
    }),
  }
}
