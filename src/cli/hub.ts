import { dirname } from 'node:path'
import { Command } from 'commander'
import { pino } from 'pino'
import { dataPaths, prepareDataFolder } from '../app/data-folder.ts'
import { gatheredStdout } from '../app/hub/gathered-log.ts'
import { ensureSecretFile } from '../app/secret-file.ts'
import { lockFolder } from '../app/start/folder-lock.ts'
import { isSupervised, receiveOrders, tellSupervisor } from '../app/supervised.ts'
import type { Config } from '../config/schema.ts'
import { logOptions } from '../core/log-options.ts'
import { parseDatabaseUrl } from '../db/database-url.ts'
import { type ConfigFlags, configSources, withConfigFlags } from './config-flags.ts'

interface HubFlags extends ConfigFlags {
  readonly stopServers?: boolean
}

/** `orrery hub`: the hub alone, beside a proxy and a launcher that somebody else runs. */
export function hubCommand(): Command {
  const command = new Command('hub')
    .description('run the hub alone; proxy and launcher are started separately')
    .option('--stop-servers', "end users' servers too when the hub ends")
  return withConfigFlags(command).action(run)
}

async function run(flags: HubFlags): Promise<void> {
  // Read while the config is still on its way.
  const program = import('../app/hub/build-hub.ts')
  program.catch(() => {}) // told below
  const supervised = isSupervised()
  const orders: HubOrders = supervised ? await receiveOrders() : await configAlone(flags)
  const { config, stopServers, go, notices = [] } = orders
  const log = pino(logOptions('hub', config.log.level), gatheredStdout())
  for (const notice of notices) log.warn({}, notice)
  lockSqlite(config)
  const { runHub } = await program
  const hub = await runHub(config, { log, othersReady: go })
  let ending = false
  const end = async (signal: NodeJS.Signals) => {
    if (ending) return
    ending = true
    // `orrery start` was killed: nobody asked for the end of servers, and the launcher that could end them goes, too.
    const orphaned = supervised && process.connected !== true
    log.info({ signal, stopServers, orphaned }, 'hub ends')
    await hub.close({ stopServers: stopServers && !orphaned })
    process.exit(0)
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end)
  // Who waits for this may end the hub at once, which must then end in order.
  tellSupervisor({ type: 'ready', firstAdminLink: hub.firstAdminLink })
  if (!isSupervised()) log.info({ pid: process.pid, url: hub.url }, 'hub ready')
}

/** On PostgreSQL several hubs share the work; on a SQLite file there is one at a time. */
function lockSqlite(config: Config): void {
  const url = parseDatabaseUrl(config.dbUrl)
  if (url.dialect === 'sqlite' && url.file) lockFolder(`${url.file}.hub-lock`, dirname(url.file))
}

interface HubOrders {
  readonly config: Config
  readonly stopServers: boolean
  /** Resolves when proxy and launcher are there, as far as they come with it. */
  readonly go: Promise<void>
  /** What to tell the operator; the supervisor has told it already. */
  readonly notices?: readonly string[]
}

async function configAlone(flags: HubFlags): Promise<HubOrders> {
  const { readConfig } = await import('../config/load-config.ts')
  const { config, notices } = await readConfig(configSources(flags))
  const paths = dataPaths(config.dataDir)
  prepareDataFolder(paths, undefined)
  const authToken = config.proxy.authToken ?? ensureSecretFile(paths.proxyToken)
  const stopServers = flags.stopServers ?? false
  return { config: { ...config, proxy: { ...config.proxy, authToken } }, stopServers, go: Promise.resolve(), notices }
}
