import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { configSource } from '../config/jupyterhub/config-source.ts'
import { findingText } from '../config/jupyterhub/finding-text.ts'
import { readConfig } from '../config/load-config.ts'
import { mapPythonConfig } from '../config/python-config.ts'
import { HubError } from '../core/errors.ts'
import { configSources, withPythonFlags } from './config-flags.ts'

interface ImportFlags {
  readonly out: string
  readonly json?: boolean
  readonly dataDir?: string
  readonly python?: string
}

/** `orrery config import`: a jupyterhub_config.py as orrery.config.ts. */
export function configImportCommand(): Command {
  const command = new Command('import')
    .description('write the orrery.config.ts that says the same as a jupyterhub_config.py')
    .argument('<file>', 'the jupyterhub_config.py')
    .option('--out <file>', 'file to write; it must not be there yet', 'orrery.config.ts')
    .option('--json', 'print an object with what was not carried over')
  return withPythonFlags(command).action(importConfig)
}

async function importConfig(file: string, flags: ImportFlags): Promise<void> {
  const [from, out] = [resolve(file), resolve(flags.out)]
  if (existsSync(out)) throw alreadyThere(out)
  const { python } = configSources(flags)
  const mapped = await mapPythonConfig(from, { python, env: process.env, folder: process.cwd() })
  // It may hold secrets. Nobody can have made the file meanwhile.
  await writeFile(out, configSource(mapped, from), { mode: 0o600, flag: 'wx' })

  const refused = mapped.findings.filter(one => one.severity === 'refused')
  if (flags.json) console.log(JSON.stringify({ ok: refused.length === 0, file: out, findings: mapped.findings }))
  else for (const finding of mapped.findings) console.log(`${finding.severity}: ${findingText(finding)}`)
  if (refused.length > 0) {
    throw new HubError('config_unsupported', {
      status: 500,
      message: `${out} is written, but ${refused.length === 1 ? 'a setting' : `${refused.length} settings`} must be decided first: ${refused.map(one => one.setting).join(', ')}.`,
      nextStep: 'The comments in it tell what to do; then take out the line that throws.',
    })
  }
  // A value that no option takes is told now, with its path.
  await readConfig({ path: out })
  if (!flags.json) console.log(`${out} is written.`)
}

function alreadyThere(out: string): HubError {
  return new HubError('config_file_exists', {
    status: 500,
    message: `${out} is there already.`,
    nextStep: 'Move it away, or name another with --out.',
  })
}
