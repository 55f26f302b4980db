/** A jupyterhub_config.py as config of Orrery. */
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { HubError } from '../core/errors.ts'
import { findingText } from './jupyterhub/finding-text.ts'
import { mapSettings } from './jupyterhub/map-settings.ts'
import { runConfigFile } from './jupyterhub/run-config-file.ts'
import type { MappedConfig } from './jupyterhub/trait-rule.ts'

export interface ConfigPython {
  readonly path: string
  /** The environment in the data folder; else one that somebody named. */
  readonly isOwn: boolean
}

/** Makes it first where it is missing. */
export type PythonProvider = () => Promise<ConfigPython>

export interface PythonConfigOptions {
  readonly python: PythonProvider | undefined
  readonly env: NodeJS.ProcessEnv
  /** Working folder: relative paths start there, as with JupyterHub. */
  readonly folder: string
}

/**
 * Runs the file and maps what it sets. Throws HubError `config_unsupported` that lists everything which would be
 * unsafe to leave out, and what `runConfigFile` throws.
 */
export async function readPythonConfig(
  file: string,
  options: PythonConfigOptions,
): Promise<MappedConfig & { readonly notices: readonly string[] }> {
  const mapped = await mapPythonConfig(file, options)
  const refused = mapped.findings.filter(one => one.severity === 'refused')
  if (refused.length > 0) {
    const lines = refused.map(findingText)
    throw new HubError('config_unsupported', {
      status: 500,
      message: `${file} has ${refused.length === 1 ? 'a setting' : `${refused.length} settings`} that Orrery cannot carry over, and must not leave out:\n  ${lines.join('\n  ')}`,
      nextStep: 'orrery config import writes the rest as orrery.config.ts, to be completed by hand.',
      detail: { findings: refused },
    })
  }
  const warnings = mapped.findings.filter(one => one.severity === 'warning')
  return { ...mapped, tree: mapped.tree, notices: warnings.map(findingText) }
}

/** The same without a refusal, for whoever shows all findings. */
export async function mapPythonConfig(
  file: string,
  { python, env, folder }: PythonConfigOptions,
): Promise<MappedConfig> {
  if (!python) throw new TypeError('a Python config needs an interpreter')
  const { path, isOwn } = await python()
  const { settings } = await runConfigFile({ file, python: path, folder, env })
  const folders = [...(isOwn ? [] : [dirname(path)]), ...(env.PATH ?? '').split(delimiter)].filter(isAbsolute)
  return mapSettings(settings, {
    folder,
    env,
    ownPython: isOwn ? path : undefined,
    keepsDefaultFile: path => process.getuid?.() !== 0 || existsSync(path),
    findProgram: name => folders.map(one => join(one, name)).find(isProgram),
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
