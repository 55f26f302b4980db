import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { entryFile } from '../../core/entry-file.ts'
import { findLinuxUserFacts, isUserName } from '../accounts/linux-user.ts'
import { limitedQueue } from '../one-at-a-time.ts'
import type { LauncherOptions } from '../options.ts'
import type { Answers, Asked, PamRefusal } from '../protocol.ts'
import { Refusal } from '../refusal.ts'
import type { PamOrder, PamReport } from './pam-child.ts'

const CHECK_TIMEOUT_MS = 30_000
const MAX_WAITING = 64

/** Answers of Linux-PAM (`_pam_types.h`) after which something better than "wrong" can be said. */
const REFUSALS: Readonly<Record<number, PamRefusal>> = {
  6: 'account_refused', // PAM_PERM_DENIED
  7: 'wrong_credentials', // PAM_AUTH_ERR
  8: 'wrong_credentials', // PAM_CRED_INSUFFICIENT
  10: 'wrong_credentials', // PAM_USER_UNKNOWN
  11: 'account_locked', // PAM_MAXTRIES
  12: 'password_must_change', // PAM_NEW_AUTHTOK_REQD
  13: 'account_expired', // PAM_ACCT_EXPIRED
  16: 'account_expired', // PAM_CRED_EXPIRED
  27: 'password_must_change', // PAM_AUTHTOK_EXPIRED
}

export interface PamChecks {
  authenticate(asked: Asked<'pamAuthenticate'>): Promise<Answers['pamAuthenticate']>
  session(asked: Asked<'pamSession'>): Promise<Answers['pamSession']>
}

/** Every conversation with PAM is a process of its own: modules block for seconds, and may crash or leak. */
export function pamChecks(options: LauncherOptions): PamChecks {
  const queue = limitedQueue(options.maxPamChecks, MAX_WAITING)

  async function authenticate(asked: Asked<'pamAuthenticate'>): Promise<Answers['pamAuthenticate']> {
    const { name, password, service, checkAccount, address } = asked
    if (!isUserName(name)) return refused('wrong_credentials')
    const before = await findLinuxUserFacts(name, options)
    // Asked before PAM is, and whatever the password: the login page is no place to try root's.
    if (before?.uid === 0) return refused('root_refused')
    const report = await inQueue({
      action: 'authenticate',
      name,
      password,
      service,
      checkAccount,
      address: address ?? '',
    })
    if (report.code !== 0) {
      options.log.info(
        { user: name, service, stage: report.stage, code: report.code },
        `pam refused: ${report.message}`,
      )
      return refused(refusalOf(report))
    }
    // A module may make the user on first sign-in, so the entry is read again.
    const user = await findLinuxUserFacts(name, options)
    if (!user) return refused('account_refused')
    if (user.uid === 0) return refused('root_refused')
    if (!user.mayLogIn) return refused('shell_disabled')
    return { authenticated: true, user }
  }

  async function session({ name, service, action }: Asked<'pamSession'>): Promise<Answers['pamSession']> {
    const user = await findLinuxUserFacts(name, options)
    // No session is opened for anybody who could not have a server.
    if (!user || user.uid < options.minUid) return { done: false, message: 'no user of a person has this name' }
    const report = await inQueue({ action, name, service, password: '', checkAccount: false, address: '' })
    if (report.code !== 0)
      options.log.warn(
        { user: name, service, action, code: report.code, message: report.message },
        'pam session failed',
      )
    return { done: report.code === 0, message: report.message }
  }

  async function inQueue(order: PamOrder): Promise<PamReport> {
    const result = queue(() => talkToPam(order))
    if (!result) throw new Refusal('pam_busy', 'Too many sign-ins are being checked.', 'Try again in a few seconds.')
    return await result
  }

  return { authenticate, session }
}

function refused(reason: PamRefusal): Answers['pamAuthenticate'] {
  return { authenticated: false, refused: reason }
}

function refusalOf(report: PamReport): PamRefusal {
  const reason = REFUSALS[report.code] ?? 'pam_unavailable'
  // Before the password was right nothing is told about the account, except that it is locked for a while.
  if (report.stage === 'authenticate' && reason !== 'pam_unavailable' && reason !== 'account_locked') {
    return report.code === 12 || report.code === 27 ? reason : 'wrong_credentials'
  }
  return reason === 'wrong_credentials' ? 'account_refused' : reason
}

async function talkToPam(order: PamOrder): Promise<PamReport> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', entryFile(import.meta.filename, 'pam-child')],
    {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: CHECK_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    },
  )
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  child.stdin.on('error', () => {}) // a child that died early; its missing report tells
  child.stdin.end(JSON.stringify(order))
  const line = await Promise.race([text(child.stdout), failed])
  try {
    return JSON.parse(line) as PamReport // written by pam-child.ts alone
  } catch {
    return { code: -1, stage: 'setup', message: 'PAM did not answer in time, or its process died' }
  }
}
