import { type Command, Help } from 'commander'
import { EXIT_CODES } from './exit-codes.ts'
import { orreryProgram } from './main.ts'

/** docs/reference/cli.md: every command with its options, and the exit codes. */
export async function commandPage(): Promise<string> {
  const program = await orreryProgram()
  const commands = program.commands.flatMap(command => section(command, 'orrery', 2))
  const codes = Object.values(EXIT_CODES).map(({ status, meaning }) => `| ${status} | ${meaning} |`)
  return `# Commands

<!-- Written by \`npm run docs\` from src/cli/; change the commands there. -->

In a clone, \`npm start -- OPTIONS\` is \`orrery start OPTIONS\`, and \`node bin/orrery.mjs\` is \`orrery\`. Every command has
\`--help\`; \`orrery --debug COMMAND\` prints the stack of an error. Results go to standard output, errors and progress to
standard error.

${commands.join('\n\n')}

## Exit status

| status | meaning |
|---|---|
${codes.join('\n')}
`
}

function section(command: Command, before: string, depth: number): string[] {
  const name = `${before} ${command.name()}`
  const help = new Help()
  const usage = `${before} ${command.name()} ${command.usage()}`
  const lines = [`${'#'.repeat(depth)} ${name}`, '', sentence(command.description()), '', `    ${usage}`]
  const options = help.visibleOptions(command).filter(option => option.long !== '--help')
  if (options.length > 0) {
    lines.push('', '| option | meaning | default |', '|---|---|---|')
    for (const option of options) {
      const given = option.defaultValue
      const isShown =
        given !== undefined && given !== false && given !== '' && typeof given !== 'object' && !option.negate
      // What depends on the machine that writes the page is told in the description.
      const octal = option.flags.includes('<octal>') ? Number(given).toString(8).padStart(3, '0') : given
      const fallback = isShown && !isOfThisMachine(given) ? `\`${octal}\`` : ''
      lines.push(`| \`${option.flags}\` | ${escaped(option.description)} | ${fallback} |`)
    }
  }
  return [lines.join('\n'), ...command.commands.flatMap(inner => section(inner, name, depth + 1))]
}

function isOfThisMachine(value: unknown): boolean {
  return typeof value === 'string' && (value.startsWith('/') || value.includes('/bin:'))
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
