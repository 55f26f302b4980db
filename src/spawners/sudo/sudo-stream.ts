/** One connection to the helper: `sudo -n -u USER HELPER`, whose standard input and output are the stream. */
import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { isUserName } from '../../launcher/accounts/linux-user.ts'

export interface SudoCommand {
  /** Absolute path, as sudoers has it. */
  readonly helper: string
  /** The program and what stands before its own arguments; `['sudo']`. */
  readonly sudo?: readonly [string, ...string[]]
}

/** Nothing of the hub's own environment; sudo speaks English, so that its words can be told apart. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
const LAST_WORDS_BYTES = 4096

/** The stream is destroyed with a HubError when sudo refuses or the helper cannot be started. */
export function openSudoStream(
  user: string,
  { helper, sudo = ['sudo'] }: SudoCommand,
  log: Pick<Logger, 'warn'>,
): Duplex {
  // A name never looks like an option or a uid to sudo.
  if (!isUserName(user)) throw noSuchUser(user)
  const [program, ...words] = sudo
  // A session of its own, without a terminal: sudo asks nobody anything, and a Ctrl-C at the hub's ends no start.
  const child = spawn(program, [...words, '-n', '-u', user, '--', helper], {
    cwd: '/',
    env: ENVIRONMENT,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const { stdin, stdout, stderr } = child
  let lastWords = ''
  stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS_BYTES)
  })
  stdin.on('error', () => {}) // its end follows
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (chunk, _encoding, done) => void stdin.write(chunk, error => done(error && null)),
    final: done => void stdin.end(done),
    destroy(error, done) {
      stdin.destroy()
      stdout.destroy()
      done(error)
    },
  })
  stdout.on('data', chunk => {
    if (!stream.push(chunk)) stdout.pause()
  })
  onEnd(child, failure => {
    if (lastWords !== '') log.warn({ linuxUser: user, words: lastWords.trim() }, 'helper of sudo printed')
    stream.destroy(faultOf(user, helper, failure, lastWords))
  })
  return stream
}

function onEnd(child: ChildProcess, ended: (failure: { status?: number | null; cause?: Error }) => void): void {
  child.once('error', cause => ended({ cause }))
  child.once('close', status => ended({ status }))
}

/** What sudo says where it does not run the program, from the most telling to the least. */
const WORDS: readonly (readonly [RegExp, (user: string, helper: string) => HubError])[] = [
  [/unknown user/i, noSuchUser],
  [
    /no new privileges|effective uid is not 0|must be owned by uid 0/i,
    () =>
      refused(
        'sudo_unusable',
        'sudo has no rights where the hub runs.',
        'Run the hub where programs may take rights: without NoNewPrivileges, on no disk that is mounted nosuid.',
      ),
  ],
  [
    /password is required|not allowed to (execute|run)|not in the sudoers|may not run sudo|a terminal is required/i,
    user =>
      refused(
        'sudo_refused',
        `sudo does not let the hub start servers as ${user}.`,
        `An administrator can add ${user} to the rule: orrery sudoers prints it, orrery doctor sudo tries it.`,
      ),
  ],
  [
    /command not found|no such file/i,
    (_user, helper) => refused('sudo_helper_missing', `There is no ${helper}.`, 'As root: orrery install-sudo-helper.'),
  ],
  [
    /account (validation failure|has expired|or password is expired)|account is locked|PAM account management error/i,
    user =>
      refused(
        'account_expired',
        `The Linux account ${user} has expired or is locked.`,
        'An administrator can renew it.',
      ),
  ],
]

function faultOf(
  user: string,
  helper: string,
  { status, cause }: { status?: number | null; cause?: Error },
  words: string,
): HubError | undefined {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return refused(
      'sudo_missing',
      'sudo is not installed where the hub runs.',
      'Install it: apt install sudo; dnf install sudo.',
    )
  }
  if (status === 0) return undefined
  for (const [pattern, fault] of WORDS) if (pattern.test(words)) return fault(user, helper)
  return new HubError('sudo_helper_failed', {
    status: 500,
    message: `The helper that starts servers as ${user} has ended.`,
    nextStep: `An administrator can try it: orrery doctor sudo --user ${user}.`,
    detail: { status, words },
    cause,
  })
}

function noSuchUser(user: string): HubError {
  return refused(
    'linux_user_missing',
    `There is no Linux user ${user} on this machine.`,
    'An administrator can add it.',
  )
}

function refused(code: string, message: string, nextStep: string): HubError {
  return new HubError(code, { status: 500, message, nextStep })
}
