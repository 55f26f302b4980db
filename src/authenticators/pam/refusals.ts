import type { HubError } from '../../core/errors.ts'
import type { PamRefusal } from '../../launcher/protocol.ts'
import type { Refused } from '../../plugin/authenticator.ts'

/** What the login page says. Unknown name and wrong password are one thing; the rest is told after a right password. */
const SENTENCES: Record<PamRefusal, Omit<Refused, 'refused'>> = {
  wrong_credentials: { message: 'Name or password is wrong.', status: 401 },
  account_expired: {
    message: 'This account has expired. An administrator of the machine can renew it.',
    status: 403,
    countsAsFailure: false,
  },
  account_locked: { message: 'This account is locked for now, after too many wrong passwords.', status: 403 },
  password_must_change: {
    message: 'The password must be changed first. Log in to the machine (ssh) and choose a new one.',
    status: 403,
    countsAsFailure: false,
  },
  account_refused: {
    message: 'The machine does not let this account in. An administrator can tell why.',
    status: 403,
    countsAsFailure: false,
  },
  root_refused: { message: 'Root cannot sign in here. Use an account of your own.', status: 403 },
  shell_disabled: {
    message: 'This account has no login shell, so it cannot be used here. An administrator can change that.',
    status: 403,
    countsAsFailure: false,
  },
  pam_unavailable: {
    message: 'Passwords cannot be checked at the moment. Try again soon, or tell an administrator.',
    status: 503,
    countsAsFailure: false,
  },
}

export function pamRefusal(reason: PamRefusal): Refused {
  return { refused: reason, ...SENTENCES[reason] }
}

/** The launcher is away or has too much to do: nothing was guessed. */
export function launcherRefusal(error: HubError): Refused {
  const busy = error.code === 'pam_busy'
  return {
    refused: error.code,
    message: busy
      ? 'Too many people are signing in at once. Try again in a few seconds.'
      : SENTENCES.pam_unavailable.message,
    status: 503,
    countsAsFailure: false,
    ...(busy && { retryAfter: 5 }),
  }
}
