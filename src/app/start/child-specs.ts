/** The command lines, users and readiness checks of the three processes of `orrery start`. */
import { connect, type NetConnectOpts } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../../config/schema.ts'
import { proxyApi } from '../../proxy/api-client.ts'
import { servicesOfOtherUsers } from '../../services/service-users.ts'
import type { DataPaths, Owner } from '../data-folder.ts'
import { runAsOf } from '../hub/make-spawner.ts'
import { proxySettings } from '../hub/proxy-settings.ts'
import { pkiSettings } from '../internal-tls.ts'
import { packageRoot } from '../package-root.ts'
import { listenOf } from '../ports.ts'
import { publicTlsSecrets } from '../public-tls.ts'
import { isSudo } from '../sudo/command-of-helper.ts'
import { programsIn } from '../supervised.ts'
import { logFile } from './child-log.ts'
import type { HeldSocket } from './held-sockets.ts'
import type { ChildSpec } from './keep-running.ts'
import { launcherPermits } from './launcher-permits.ts'
import type { Runnable } from './runnable-copy.ts'
import { HUB_USER } from './system-user.ts'
import type { Terminal } from './terminal.ts'
import { unitSettingsOf } from './unit-settings-of.ts'

export interface ChildSetting {
  readonly config: Config
  /** The config file. */
  readonly file: string | undefined
  readonly paths: DataPaths
  readonly env: NodeJS.ProcessEnv
  /** Undefined: everything runs as the caller. */
  readonly hubUser: Owner | undefined
  readonly runnable: Runnable
  readonly main: string
  readonly terminal: Terminal
  readonly stopServers: boolean
  /** The proxy's, opened already; none for another program. */
  readonly sockets: readonly HeldSocket[]
}

const ERROR = 50
const WARN = 40
const INFO = 30
const PRIVILEGED_PORTS = 1024
/**
 * V8 lets its space for young objects grow to 16 MB, thrice, at the first burst; 4 cost a fifth less time than 2 in pages of
 * users, and 3 MB more. Each of its helper threads has memory of its own: one is enough beside a thread that mostly waits.
 */
const HUB_FLAGS = ['--max-semi-space-size=4', '--v8-pool-size=1']

/** One thread does nearly all of its work: an arena of the C library for each of the others is 5 MB for nothing. */
const HUB_VARIABLES = { MALLOC_ARENA_MAX: '1' }

export function childSpecs(setting: ChildSetting): {
  launcher: ChildSpec
  proxy: ChildSpec | undefined
  hub: ChildSpec
  firstAdminLink(): string | undefined
} {
  const { config, paths, hubUser } = setting
  let firstAdminLink: string | undefined
  let hubReady = false
  let launcherReady = false
  let proxyReady = false
  const everythingReady = Promise.withResolvers<void>()

  const orrery = [setting.runnable.node, join(setting.runnable.root, setting.main)]
  const env = childEnvironment(setting)
  const cachedEnv = { ...env, ...compileCache(setting) }
  const asHubUser = hubUser ? { uid: hubUser.uid, gid: hubUser.gid, cwd: paths.hub } : { cwd: paths.hub }
  return {
    launcher: {
      // What it warns of at its start, the story tells in other words.
      ...reporting('launcher', () => (hubReady ? WARN : ERROR)),
      command: [...orrery, 'launcher', ...launcherFlags(setting)],
      env: hubUser ? { ...env, HOME: '/root', USER: 'root' } : setting.env,
      cwd: '/',
      graceMs: 5_000,
      isReady: async () => launcherReady,
      onMessage({ type }) {
        if (type === 'ready') launcherReady = true
      },
      // Importing JupyterLab to preload servers takes a second of a processor that the hub needs now.
      restAfter: everythingReady.promise,
    },
    proxy: config.proxy.external ? undefined : proxySpec(),
    hub: {
      ...reporting('hub', () => (hubReady ? INFO : WARN)),
      command: [setting.runnable.node, ...HUB_FLAGS, ...orrery.slice(1), 'hub'],
      env: { ...HUB_VARIABLES, ...cachedEnv },
      ...asHubUser,
      config: {
        type: 'config',
        config,
        programs: programsIn(config),
        file: setting.file,
        stopServers: setting.stopServers,
      },
      graceMs: setting.stopServers ? 90_000 : 15_000,
      hasLastWork: setting.stopServers,
      isReady: async () => hubReady,
      onMessage(message) {
        if (message.type !== 'ready') return
        hubReady = true
        everythingReady.resolve()
        firstAdminLink = message.firstAdminLink
      },
    },
    firstAdminLink: () => firstAdminLink,
  }

  function proxySpec(): ChildSpec {
    const own = config.proxy.command === undefined
    const command = [...(config.proxy.command ?? [...orrery, 'proxy']), ...proxyFlags(config)]
    if (own) command.push('--snapshot', paths.routeSnapshot)
    // Ours inherits its sockets; another program has to open them.
    const ports = [listenOf(config.bindUrl).port, config.proxy.tls.redirectPort ?? Number.POSITIVE_INFINITY]
    const capable = !own && hubUser !== undefined && Math.min(...ports) < PRIVILEGED_PORTS
    return {
      ...reporting('proxy', () => WARN),
      env: { ...(own ? cachedEnv : env), CONFIGPROXY_AUTH_TOKEN: config.proxy.authToken, ...publicTlsSecrets(config) },
      ...(capable ? { cwd: paths.hub, command: withNetBind(command, hubUser) } : { ...asHubUser, command }),
      sockets: own ? setting.sockets : [],
      graceMs: 10_000,
      isReady: async () => (own ? proxyReady : apiAnswers(config)),
      onMessage({ type }) {
        if (type === 'ready') proxyReady = true
      },
    }
  }

  function reporting(name: string, level: () => number): Pick<ChildSpec, 'name' | 'onLine'> {
    const write = logFile(join(paths.log, `${name}.log`))
    return {
      name,
      onLine(raw, line) {
        write(raw)
        // One line for each request is for the file.
        if (line.level >= level() && line.text !== 'request') setting.terminal.log(name, line)
      },
    }
  }
}

function launcherFlags({ config, paths, hubUser }: ChildSetting): string[] {
  const { spawner, servers, internalTls } = config
  const flags = ['--socket', paths.launcherSocket, '--state-dir', paths.launcher, '--log-level', config.log.level]
  const permits = launcherPermits(servers)
  // Through sudo the hub starts servers itself; the launcher checks passwords.
  const commands = isSudo(spawner) ? [] : permits.commands
  for (const command of commands) flags.push('--singleuser-command', JSON.stringify(command))
  if (hubUser) flags.push('--allow-uid', String(hubUser.uid))
  else flags.push('--servers-dir', paths.servers)
  if (internalTls.enabled) flags.push('--tls-dir', paths.serverTls)
  if ('accountPrefix' in spawner) flags.push('--run-as', runAsOf(config), '--account-prefix', spawner.accountPrefix)
  const units = unitSettingsOf(spawner)
  if (units) flags.push('--unit', JSON.stringify(units))
  if (servers.preload !== 'auto') flags.push('--preload', servers.preload)
  // What the operator has written in the config may reach servers, even where the launcher is careful by itself.
  for (const service of hubUser ? servicesOfOtherUsers(config.services ?? [], HUB_USER) : []) {
    const { name, user, command, cwd, environment } = service
    const environmentNames = Object.keys(environment)
    flags.push('--service', JSON.stringify({ name, user, command, cwd, environmentNames }))
  }
  for (const pattern of permits.arguments) flags.push(`--allow-argument=${pattern}`)
  for (const name of permits.environment) flags.push('--allow-environment', name)
  return flags
}

function proxyFlags(config: Config): string[] {
  // A switch has no value.
  return Object.entries(proxySettings(config)).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    if (value === false) return [`--no-${flag.slice(2)}`]
    if (Array.isArray(value)) return value.flatMap(one => [flag, one])
    return value === true ? [flag] : [flag, String(value)]
  })
}

/** For a port such as 80: the proxy keeps the one right that takes, and nothing else of root's. */
function withNetBind(command: readonly string[], owner: Owner): string[] {
  const rights = [
    '--inh-caps=-all,+net_bind_service',
    '--ambient-caps=-all,+net_bind_service',
    '--bounding-set=-all,+net_bind_service',
  ]
  return [
    'setpriv',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--no-new-privs',
    ...rights,
    '--',
    ...command,
  ]
}

/**
 * Hub and proxy keep what Node makes of their sources where only they write; the launcher, which may be root, must not
 * read it. A copy of a clone has another path after each change, under which the cache would grow without end.
 */
function compileCache({ runnable, paths }: ChildSetting): NodeJS.ProcessEnv {
  return runnable.root === packageRoot ? { NODE_COMPILE_CACHE: join(paths.hub, 'compile-cache') } : {}
}

/** Root's own variables are no business of a user without rights. */
function childEnvironment({ env, hubUser, paths, config }: ChildSetting): NodeJS.ProcessEnv {
  if (!hubUser) return env
  const kept = ['LANG', 'LC_ALL', 'TZ', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'http_proxy', 'https_proxy', 'no_proxy']
  const names = [...kept, ...config.servers.envKeep]
  const inherited = Object.fromEntries(names.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])))
  return { ...inherited, PATH: '/usr/local/bin:/usr/bin:/bin', HOME: paths.hub, USER: HUB_USER, LOGNAME: HUB_USER }
}

function answers(where: NetConnectOpts): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(where)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function apiAnswers(config: Config): Promise<boolean> {
  const { host, port } = listenOf(config.proxy.apiUrl)
  const reached = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host
  // A refused connection tells at once; the client of the API would try again before it says so.
  if (!(await answers({ host: reached, port }))) return false
  try {
    const pki = pkiSettings(config)
    // Read each time: it may have changed since the proxy was last started.
    const tls = pki && (await import('../../pki/internal/hub-tls.ts')).openHubTls(pki).toProxy
    const scheme = tls ? 'https' : 'http'
    const url = `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
    await proxyApi({ url, token: config.proxy.authToken ?? '', tls: tls && (() => tls), timeoutMs: 1000 }).ping()
    return true
  } catch {
    return false
  }
}
