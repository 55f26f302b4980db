/** `orrery proxy --config`: what the config says to the proxy. Apart, since the proxy else carries no config. */
import type { Command } from 'commander'
import { dataPaths, prepareDataFolder } from '../app/data-folder.ts'
import { proxySettings } from '../app/hub/proxy-settings.ts'
import { pkiSettings } from '../app/internal-tls.ts'
import { publicTlsSecrets } from '../app/public-tls.ts'
import { ensureSecretFile } from '../app/secret-file.ts'
import { loadConfig } from '../config/load-config.ts'
import { preparePki } from '../pki/internal/change-pki.ts'
import type { ProxyFlags } from '../proxy/options-from-flags.ts'
import { type ConfigFlags, configSources } from './config-flags.ts'

/** Flags that are given win over the config, and so does CONFIGPROXY_AUTH_TOKEN. */
export async function flagsFromConfig(
  flags: ProxyFlags & ConfigFlags,
  command: Command,
): Promise<{ flags: ProxyFlags; env: NodeJS.ProcessEnv }> {
  const { config: file, dataDir, python } = flags
  const config = await loadConfig(configSources({ config: file, dataDir, python }))
  const pki = pkiSettings(config)
  if (pki) await preparePki(pki)
  const ofConfig = Object.entries(proxySettings(config)).filter(
    ([name]) => command.getOptionValueSource(name) !== 'cli',
  )
  const token = process.env.CONFIGPROXY_AUTH_TOKEN ?? config.proxy.authToken ?? tokenOfDataFolder(config.dataDir)
  return {
    flags: { ...flags, ...Object.fromEntries(ofConfig) },
    env: { ...publicTlsSecrets(config), ...process.env, CONFIGPROXY_AUTH_TOKEN: token },
  }
}

/** The hub, started alone, takes it from there too. */
function tokenOfDataFolder(dataDir: string): string {
  const paths = dataPaths(dataDir)
  prepareDataFolder(paths, undefined)
  return ensureSecretFile(paths.proxyToken)
}
