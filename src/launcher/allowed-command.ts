import { basename, isAbsolute } from 'node:path'
import type { LauncherOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/**
 * Turns what the hub asks for into a program this launcher was told to run at its own start. The hub may name it by
 * its last path segment or in full, and may add arguments of the allowed forms; it never chooses the program.
 */
export function allowedCommand(
  asked: readonly string[],
  options: Pick<LauncherOptions, 'commands' | 'allowedArguments'>,
): string[] {
  let refused: string | undefined
  // Several may begin with the same program: `conda run -n one ...`, `conda run -n two ...`.
  for (const command of options.commands) {
    const rest = withoutPrefix(asked, command)
    if (!rest) continue
    const odd = rest.find(argument => !options.allowedArguments.some(pattern => matchesWhole(pattern, argument)))
    if (odd === undefined) return [...command, ...rest]
    refused ??= odd
  }
  if (refused !== undefined) {
    throw new Refusal(
      'argument_refused',
      `The launcher does not pass the argument ${JSON.stringify(refused.slice(0, 80))} on to servers.`,
      'Start the launcher with --allow-argument and a pattern for it.',
    )
  }
  throw new Refusal(
    'command_refused',
    `The launcher was not told to run ${JSON.stringify(asked[0]?.slice(0, 120))}.`,
    'Start the launcher with --singleuser-command for it.',
  )
}

function withoutPrefix(asked: readonly string[], command: readonly string[]): readonly string[] | undefined {
  const [program, ...fixed] = command
  if (!program || !isAbsolute(program)) return undefined
  if (asked[0] !== program && asked[0] !== basename(program)) return undefined
  // A command `[python3, -m, jupyterhub.singleuser]` may be asked for by its first word alone or in full.
  const inFull = fixed.every((word, at) => asked[at + 1] === word)
  return asked.slice(inFull ? command.length : 1)
}

function matchesWhole(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'u').test(text)
}
