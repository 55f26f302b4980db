import { type Command, InvalidArgumentError } from 'commander'
import type { ConfigSources } from '../config/load-config.ts'
import type { ConfigPython } from '../config/python-config.ts'

export interface ConfigFlags {
  readonly config?: string | undefined
  readonly dataDir?: string | undefined
  readonly port?: number
  /** Interpreter for a jupyterhub_config.py. */
  readonly python?: string | undefined
}

/** `--config`, `--data-dir` and `--python`, which all commands have that read the config. */
export function withConfigFlags(command: Command): Command {
  return withPythonFlags(
    command.option(
      '--config <file>',
      'config file (default: orrery.config.ts here or in /etc/orrery), or a jupyterhub_config.py',
    ),
  )
}

/** What says which interpreter runs a jupyterhub_config.py. */
export function withPythonFlags(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'data folder (default: /var/lib/orrery for root, else ~/.local/share/orrery)')
    .option(
      '--python <program>',
      'interpreter that runs a jupyterhub_config.py (default: that of the data folder, made when missing)',
    )
}

/**
 * What the flags say, for the loader. With `--port` the hub and the API of the proxy move along, so that a second
 * Orrery on a machine takes one flag: 8000, 8001 and 8081 become N, N + 1 and N + 81.
 */
export function configSources(flags: ConfigFlags, env: NodeJS.ProcessEnv = process.env): ConfigSources {
  const overrides: Record<string, { value: unknown; from: string; weak?: boolean }> = {}
  if (flags.dataDir !== undefined) overrides.dataDir = { value: flags.dataDir, from: '--data-dir' }
  if (flags.port !== undefined) {
    overrides.bindUrl = { value: `http://127.0.0.1:${flags.port}`, from: '--port' }
    overrides['proxy.apiUrl'] = { value: `http://127.0.0.1:${flags.port + 1}`, from: '--port', weak: true }
    overrides['hub.bindUrl'] = { value: `http://127.0.0.1:${flags.port + 81}`, from: '--port', weak: true }
  }
  return { path: flags.config, env, overrides, python: () => findPython(flags, env) }
}

/** Standard output is for results: how far the making of an environment is goes to standard error. */
async function findPython(flags: ConfigFlags, env: NodeJS.ProcessEnv): Promise<ConfigPython> {
  const [{ findConfigPython }, { terminal }] = await Promise.all([
    import('../app/start/config-python.ts'),
    import('../app/start/terminal.ts'),
  ])
  return findConfigPython({ named: flags.python, dataDir: flags.dataDir, env, terminal: terminal(process.stderr) })
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535 - 81)
    throw new InvalidArgumentError('expected a port, 1 to 65454.')
  return port
}
