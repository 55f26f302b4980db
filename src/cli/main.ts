/** `orrery`: one command a file, each loaded when it is asked for, so that the launcher does not carry the hub. */
import { Command } from 'commander'
import { packageVersion } from '../app/package-root.ts'
import { endWithParent, tellFailure } from '../app/supervised.ts'
import { EXIT_CODES, exitStatusOf } from './exit-codes.ts'
import { messageOf, reportError } from './report-error.ts'

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.ts')).startCommand(),
  hub: async () => (await import('./hub.ts')).hubCommand(),
  proxy: async () => (await import('./proxy.ts')).proxyCommand(),
  launcher: async () => (await import('./launcher.ts')).launcherCommand(),
  user: async () => (await import('./user.ts')).userCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  config: async () => (await import('./config.ts')).configCommand(),
  pki: async () => (await import('./pki.ts')).pkiCommand(),
  sudoers: async () => (await import('./sudoers.ts')).sudoersCommand(),
  'install-sudo-helper': async () => (await import('./install-sudo-helper.ts')).installSudoHelperCommand(),
  db: async () => (await import('./db.ts')).dbCommand(),
}

/** The whole program, or as much of it as `only` takes. */
export async function orreryProgram(only?: string): Promise<Command> {
  const program = new Command('orrery')
    .description('a multi-user hub for Jupyter')
    .version(packageVersion)
    .option('--debug', 'print stacks of errors')
    .addHelpText('after', exitStatusHelp())
  const known = only === undefined ? undefined : COMMANDS[only]
  const makers = known ? [known] : Object.values(COMMANDS)
  for (const command of await Promise.all(makers.map(make => make()))) program.addCommand(command)
  program.commands.forEach(throwInsteadOfExit)
  return throwInsteadOfExit(program)
}

function throwInsteadOfExit(command: Command): Command {
  command.exitOverride().showHelpAfterError('(--help shows the options)')
  command.commands.forEach(throwInsteadOfExit)
  return command
}

function exitStatusHelp(): string {
  const lines = Object.values(EXIT_CODES).map(({ status, meaning }) => `  ${String(status).padStart(2)}  ${meaning}`)
  return `\nExit status:\n${lines.join('\n')}`
}

if (import.meta.main) {
  const args = process.argv.slice(2)
  if (args[0] !== 'start') endWithParent() // which ends its children first, in its own way
  const debug = args[0] === '--debug'
  try {
    const program = await orreryProgram(args.find(arg => !arg.startsWith('-')))
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    const told = await tellFailure(error, messageOf(error))
    process.exitCode = told
      ? exitStatusOf(error)
      : reportError(error, { debug, write: text => process.stderr.write(text) })
    // What a failed start has opened must not keep the process.
    process.exit()
  }
}
