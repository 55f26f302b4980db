/**
 * `orrery start`: makes ready what hub, proxy and launcher need, runs them as processes of their own, brings back what
 * dies, and tells one story of it on the terminal. Started as root it keeps root for itself and the launcher, reads from
 * no socket, and runs hub and proxy as the Linux user `orrery`.
 */
import type { LoadedConfig } from '../../config/load-config.ts'
import type { Config } from '../../config/schema.ts'
import type { ServiceConfig } from '../../config/services-section.ts'
import type { SocketName } from '../../proxy/inherited-sockets.ts'
import { servicesOfOtherUsers } from '../../services/service-users.ts'
import { type DataPaths, dataFolderFault, dataPaths, type Owner, prepareDataFolder } from '../data-folder.ts'
import { pkiSettings } from '../internal-tls.ts'
import { mainFile, packageRoot, packageVersion } from '../package-root.ts'
import { assertPortFree, type Listen, listenOf, redirectListen } from '../ports.ts'
import { ensureSecretFile } from '../secret-file.ts'
import { commandOfHelper, isSudo } from '../sudo/command-of-helper.ts'
import { absoluteCommand } from './absolute-command.ts'
import { childSpecs } from './child-specs.ts'
import { checkDiskSpace, ENVIRONMENT_BYTES, LEAST_BYTES } from './disk-space.ts'
import { lockFolder } from './folder-lock.ts'
import { type HeldSockets, holdSockets, takeInheritedSockets } from './held-sockets.ts'
import { assertHubWrites, cookieSecretFor } from './hub-files.ts'
import { type KeptChild, keepRunning } from './keep-running.ts'
import { preparePkiAs } from './prepare-pki.ts'
import { ensurePythonEnvironment } from './python-environment.ts'
import { runnableByAll } from './runnable-copy.ts'
import { ensureHubUser, HUB_USER } from './system-user.ts'
import type { Terminal } from './terminal.ts'

export interface SupervisorOptions {
  readonly loaded: LoadedConfig
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  /** End users' servers too when it ends. */
  readonly stopServers: boolean
  /** Ends a start that is still going on. */
  readonly signal: AbortSignal
}

export interface Supervisor {
  /** Starts another proxy in the place of the one that runs, whose connections go on until they end. Says how it went. */
  restartProxy(): Promise<void>
  /** Ends hub, proxy and launcher, in this order. */
  stop(): Promise<void>
  /** At once, for the second Ctrl-C. */
  kill(): void
}

/** Throws HubError when something stands in the way; then nothing is left running. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { terminal, env, loaded } = options
  const asRoot = process.getuid?.() === 0
  process.umask(0o022)
  const paths = dataPaths(loaded.config.dataDir)
  terminal.line(`Orrery ${packageVersion}`)
  for (const notice of loaded.notices) terminal.warn(notice)

  const hubUser = asRoot ? ensureHubUser(paths.hub) : undefined
  prepareDataFolder(paths, hubUser)
  const lock = lockFolder(paths.lock, paths.dataDir)
  const children: KeptChild[] = []
  let held: HeldSockets | undefined
  const inherited = takeInheritedSockets(env)
  try {
    await assertPortsFree(loaded.config, inherited)
    const config = await completed(loaded.config, paths, hubUser, options)
    options.signal.throwIfAborted()
    const program = { root: packageRoot, main: mainFile, node: process.execPath }
    const runnable = hubUser ? runnableByAll(program, paths.app) : program
    const pki = pkiSettings(config)
    if (pki) await preparePkiAs(hubUser, pki, { ...program, ...runnable })
    const ownProxy = !config.proxy.external && config.proxy.command === undefined
    held = ownProxy ? await holdSockets(config, inherited) : undefined
    const specs = childSpecs({
      config,
      file: loaded.file,
      paths,
      env,
      hubUser,
      runnable,
      main: mainFile,
      terminal,
      stopServers: options.stopServers,
      sockets: held?.sockets ?? [],
    })
    const restarted = (text: string) => terminal.warn(text)
    const helpers = [specs.launcher, ...(specs.proxy ? [specs.proxy] : [])].map(spec => keepRunning(spec, restarted))
    // The hub takes the longest of the three; it needs the others only for its last steps.
    const hub = keepRunning({ ...specs.hub, after: Promise.all(helpers) }, restarted)
    const begun = await Promise.allSettled([...helpers, hub])
    for (const one of begun) if (one.status === 'fulfilled') children.unshift(one.value)
    for (const one of begun) if (one.status === 'rejected') throw one.reason
    options.signal.throwIfAborted()
    tellStory(options, config, paths, asRoot, specs.firstAdminLink())
  } catch (error) {
    for (const child of children) await child.stop()
    held?.release()
    lock.release()
    throw dataFolderFault(paths.dataDir, error)
  }
  const proxy = children.find(child => child.name === 'proxy')
  return {
    async restartProxy() {
      if (!held || !proxy) return terminal.warn('The proxy is another program and is restarted by its own means.')
      try {
        await proxy.replace()
        terminal.line('The proxy was restarted; open connections go on in the former one until they end.')
      } catch (error) {
        terminal.warn(`The proxy was not restarted: ${(error as Error).message}`) // a HubError or a system error
      }
    },
    async stop() {
      // Hub first: it tells the proxy nothing more. Launcher last: the hub may have it end servers.
      for (const child of children) await child.stop()
      held?.release()
      lock.release()
    },
    kill: () => children.forEach(child => void child.kill()),
  }
}

async function assertPortsFree(config: Config, inherited: ReadonlyMap<SocketName, number>): Promise<void> {
  const addresses: [Listen, string][] = [[listenOf(config.hub.bindUrl), 'hub.bindUrl']]
  if (!config.proxy.external) {
    if (!inherited.has('api')) addresses.unshift([listenOf(config.proxy.apiUrl), 'proxy.apiUrl'])
    if (!inherited.has('public')) addresses.unshift([listenOf(config.bindUrl), '--port'])
    const redirect = redirectListen(config)
    if (redirect && !inherited.has('redirect')) addresses.unshift([redirect, 'proxy.tls.redirectPort'])
  }
  for (const [listen, option] of addresses) await assertPortFree(listen, option)
}

/** The config with what only now can be said: the program of servers, the proxy's token. */
async function completed(
  config: Config,
  paths: DataPaths,
  owner: Owner | undefined,
  options: SupervisorOptions,
): Promise<Config> {
  if (owner) assertHubWrites(config.dbUrl, owner)
  const cookieSecret = cookieSecretFor(config, owner)
  const authToken = config.proxy.authToken ?? ensureSecretFile(paths.proxyToken, owner)
  const { file } = options.loaded
  const cmd = config.servers.cmd
    ? absoluteCommand(config.servers.cmd, { file, path: options.env.PATH })
    : (commandOfHelper(config.spawner) ?? (await pythonCommand(paths, owner !== undefined, options)))
  // The launcher runs no program by its bare name.
  const launched = new Set<ServiceConfig>(owner ? servicesOfOtherUsers(config.services ?? [], HUB_USER) : [])
  const services = config.services?.map(service => {
    if (!launched.has(service)) return service
    const where = { file, path: options.env.PATH, option: `the command of the service ${service.name}` }
    return { ...service, command: absoluteCommand(service.command!, where) } // those have one
  })
  return {
    ...config,
    cookieSecret,
    services,
    proxy: { ...config.proxy, authToken },
    servers: { ...config.servers, cmd },
  }
}

async function pythonCommand(paths: DataPaths, forEverybody: boolean, { terminal, env, signal }: SupervisorOptions) {
  const low = checkDiskSpace(paths.dataDir, LEAST_BYTES)
  if (low) terminal.warn(low)
  let checked = false
  const { command } = await ensurePythonEnvironment({
    folder: paths.python,
    requirements: `${packageRoot}/python/requirements.txt`,
    env,
    forEverybody,
    signal,
    progress(step, done, total) {
      if (!checked) checkDiskSpace(paths.dataDir, ENVIRONMENT_BYTES)
      checked = true
      terminal.progress(step, done, total)
    },
  })
  terminal.progressDone()
  return [...command]
}

function tellStory(
  { terminal, loaded }: SupervisorOptions,
  config: Config,
  paths: DataPaths,
  asRoot: boolean,
  firstAdminLink: string | undefined,
): void {
  terminal.fact('Address', config.publicUrl)
  terminal.fact('Data', paths.dataDir)
  terminal.fact('Config', loaded.file ?? 'no file, all defaults')
  terminal.fact('Logs', paths.log)
  if (!asRoot && !isSudo(config.spawner)) {
    terminal.warn(
      'Not started as root: all servers run as you, so everybody who signs in can read your files. For trials.',
    )
  }
  if (firstAdminLink) {
    terminal.line()
    terminal.line('  Make the first administrator here; the link works once:')
    terminal.line(`  ${firstAdminLink}`)
  }
  terminal.line()
  terminal.line('  Ctrl-C ends Orrery; servers of users go on running, unless it was started with --stop-servers.')
  terminal.line()
}
