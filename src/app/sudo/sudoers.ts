/** The rule that lets the hub start servers as other users: sudoers(5). */
import { HubError } from '../../core/errors.ts'
import { isUserName } from '../../launcher/accounts/linux-user.ts'

export interface SudoRule {
  /** Linux user of the hub. */
  readonly hubUser: string
  /** As whom servers may run: the members of a group, or these. */
  readonly people: { readonly group: string } | { readonly users: readonly string[] }
  /** Absolute path. */
  readonly helper: string
}

/**
 * The whole file. The direction is what is easily got wrong: the hub's user stands first, those whom it may become in
 * parentheses, and the one program without arguments last; users get no rights at all.
 */
export function sudoersFile({ hubUser, people, helper }: SudoRule): string {
  const targets = 'group' in people ? [`%${escaped(people.group)}`] : people.users.map(escaped)
  if (targets.length === 0) throw refused('There is nobody as whom servers could run.')
  if ('users' in people && people.users.some(user => user === 'root' || user === hubUser)) {
    throw refused('No server runs as root, nor as the user of the hub.')
  }
  const program = escapedPath(helper)
  const runAs = [...targets, '!root', '!#0', `!${escaped(hubUser)}`]
  const words = 'group' in people ? `members of the group ${people.group}` : people.users.join(', ')
  return `# Lets the hub of Orrery, as ${hubUser}, run the servers of ${words}, and nothing else.
# Printed by: orrery sudoers. It belongs into /etc/sudoers.d/orrery, mode 0440; visudo -c checks it.
# Nothing of the hub's environment goes along, nobody is asked, and what goes over its input (tokens of servers) is not logged.
Defaults!${program} env_reset, !env_keep, !env_check, !setenv, !requiretty, !use_pty, !noexec, !log_input, !log_output
${escaped(hubUser)} ALL = (${runAs.join(', ')}) NOPASSWD: ${program} ""
`
}

/** In names everything that has a meaning in the file is escaped. */
function escaped(name: string): string {
  // Groups of directories may hold blanks: `domain users`.
  if (!isUserName(name.replaceAll(' ', '_')) || name.trim() !== name || name === 'ALL') {
    throw refused(`${JSON.stringify(name)} is no name of a Linux user or group.`)
  }
  return name.replace(/[@!=:,()\\ ]/g, '\\$&')
}

function escapedPath(path: string): string {
  if (!/^\/[\w./+@-]+$/.test(path)) throw refused(`${JSON.stringify(path)} is no path that sudoers could name.`)
  return path.replace(/[@!=:,()\\]/g, '\\$&')
}

function refused(message: string): HubError {
  return new HubError('sudo_rule_invalid', {
    status: 400,
    message,
    nextStep: 'orrery sudoers --help shows what it takes.',
  })
}
