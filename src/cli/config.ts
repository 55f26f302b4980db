import { Command } from 'commander'
import { readConfig } from '../config/load-config.ts'
import { referencePage } from '../config/reference-page.ts'
import { shownOptions } from '../config/show-config.ts'
import { type ConfigFlags, configSources, withConfigFlags } from './config-flags.ts'
import { configImportCommand } from './config-import.ts'

interface ShowFlags extends ConfigFlags {
  readonly json?: boolean
  readonly all?: boolean
}

export function configCommand(): Command {
  const command = new Command('config').description('look at the configuration')
  withConfigFlags(command.command('show'))
    .description('print the options that are in force, and where each comes from; secrets are masked')
    .option('--all', 'also those that have their default')
    .option('--json', 'print a list of objects, with all options')
    .action(show)
  withConfigFlags(command.command('check'))
    .description('check the configuration and list all its faults')
    .option('--json', 'print an object')
    .action(check)
  command.addCommand(configImportCommand())
  command
    .command('docs')
    .description('print the reference of all options')
    .action(() => void process.stdout.write(referencePage()))
  return command
}

async function show(flags: ShowFlags): Promise<void> {
  const options = shownOptions(await readConfig(configSources(flags)))
  if (flags.json) return console.log(JSON.stringify(options, undefined, 2))
  const listed = flags.all ? options : options.filter(option => option.origin !== undefined)
  if (listed.length === 0) console.log('Every option has its default (--all shows them).')
  for (const { path, value, origin } of listed) {
    console.log(`${path} = ${JSON.stringify(value)}${origin ? `  (${origin})` : ''}`)
  }
}

async function check(flags: ShowFlags): Promise<void> {
  const { file, notices } = await readConfig(configSources(flags))
  if (flags.json) return console.log(JSON.stringify({ ok: true, file: file ?? null, notices }))
  for (const notice of notices) console.log(notice)
  console.log(`The configuration is right (${file ?? 'no file, all defaults'}).`)
}
