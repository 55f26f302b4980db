/** `orrery sudoers`: prints the rule under which the hub starts servers as other users. */
import { Command } from 'commander'
import { sudoersFile } from '../app/sudo/sudoers.ts'
import { HubError } from '../core/errors.ts'
import { DEFAULT_HELPER } from '../launcher/helper-file.ts'

interface Flags {
  readonly hubUser: string
  readonly group?: string
  readonly users?: string[]
  readonly helper: string
}

export function sudoersCommand(): Command {
  return new Command('sudoers')
    .description('print the sudoers rule for the sudo spawner, for /etc/sudoers.d/orrery')
    .option('--hub-user <name>', 'Linux user that the hub runs as', 'orrery')
    .option('--group <name>', 'servers run as members of this Linux group')
    .option('--users <names>', 'servers run as these Linux users, with commas between', text => text.split(','))
    .option('--helper <path>', 'where install-sudo-helper has put the helper', DEFAULT_HELPER)
    .action(print)
}

function print({ hubUser, group, users, helper }: Flags): void {
  if ((group === undefined) === (users === undefined)) {
    throw new HubError('sudo_rule_invalid', {
      status: 400,
      message: 'The rule is for a group or for a list of users, one of the two.',
      nextStep: 'Add --group with the name of a Linux group, or --users with names.',
    })
  }
  const people = group === undefined ? { users: users ?? [] } : { group }
  process.stdout.write(sudoersFile({ hubUser, people, helper }))
}
