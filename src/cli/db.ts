/** `orrery db upgrade`: brings the tables of an older JupyterHub to those this program works with. */
import { Command } from 'commander'
import { loadConfig } from '../config/load-config.ts'
import { HubError } from '../core/errors.ts'
import { silentLogger } from '../core/runtime.ts'
import { type SchemaUpgrade, upgradeSchema } from '../db/schema/upgrade-schema.ts'

interface UpgradeFlags {
  readonly db?: string
  readonly config?: string
  readonly dataDir?: string
}

/** Exit codes: 0 done or nothing to do, 1 failure (nothing was changed), 78 a wrong config. */
export function dbCommand(): Command {
  const command = new Command('db').description('care for the database')
  command
    .command('upgrade')
    .description("bring the tables of JupyterHub 3, 4 or 5 to JupyterHub 6's; a SQLite file is copied first")
    .option('--db <url>', 'sqlite:////path or postgresql://user@host/name (default: dbUrl of the config)')
    .option('--config <file>', 'config file')
    .option('--data-dir <folder>', 'data folder')
    .action((flags: UpgradeFlags) => upgrade(flags))
  return command
}

async function upgrade(flags: UpgradeFlags): Promise<void> {
  try {
    const done = await upgradeSchema(flags.db ?? (await configuredUrl(flags)), { log: silentLogger })
    console.log(upgradeText(done))
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    console.error([error.message, error.nextStep].filter(Boolean).join('\n'))
    process.exitCode = error.code === 'config_invalid' ? 78 : 1
  }
}

async function configuredUrl(flags: UpgradeFlags): Promise<string> {
  const overrides = flags.dataDir ? { dataDir: { value: flags.dataDir, from: '--data-dir' } } : {}
  return (await loadConfig({ path: flags.config, overrides })).dbUrl
}

function upgradeText({ from, to, backup }: SchemaUpgrade): string {
  if (from === to && backup === undefined) return 'The database is of this version already.'
  const copy = backup ? `\nIts former state is kept in ${backup}` : ''
  return `The database was upgraded from ${from} to ${to}.${copy}`
}
