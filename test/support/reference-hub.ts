/** The released JupyterHub with its own proxy, as the measure of what Orrery does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { referencePython } from './python-env.ts'
import { until } from './until.ts'

export interface ReferenceHub {
  /** Public address, through configurable-http-proxy. */
  readonly url: string
  /** The hub itself, without the proxy in front. */
  readonly hubUrl: string
  readonly hubPort: number
  /** Token of the service `tester`, which may do everything but become an administrator. */
  readonly adminToken: string
  readonly dir: string
  readonly pid: number
  output(): string
  /** Ends hub and proxy, and servers unless the configuration says otherwise. Removes `dir` when it was made here. */
  stop(): Promise<void>
  /** `kill -9` of the hub alone: proxy and servers stay. */
  kill(): Promise<void>
}

export const TESTER_SCOPES = [
  'admin:users',
  'admin:servers',
  'admin:groups',
  'admin:services',
  'list:services',
  'read:services',
  'tokens',
  'read:hub',
  'read:roles',
  'read:metrics',
  'proxy',
  'shutdown',
  'shares',
]

/**
 * Starts a JupyterHub on ports of its own: any name may sign in, `boss` is an administrator, servers run as this user
 * (SimpleLocalProcessSpawner). `hubPort` lets it follow another hub that servers know. `configLines` are appended to its `jupyterhub_config.py`.
 */
export async function startReferenceHub(
  options: {
    configLines?: readonly string[] | ((port: number) => readonly string[])
    dir?: string
    hubPort?: number
    /** A proxy that somebody else has started, which the hub only talks to. */
    proxy?: { readonly port: number; readonly apiUrl: string; readonly token: string }
    baseUrl?: string
  } = {},
): Promise<ReferenceHub> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'orrery-reference-'))
  const [freePort, freeHubPort, apiPort] = (await freePorts(3)) as [number, number, number]
  const hubPort = options.hubPort ?? freeHubPort
  const port = options.proxy?.port ?? freePort
  const adminToken = randomBytes(16).toString('hex')
  const config = [
    `c.JupyterHub.bind_url = 'http://127.0.0.1:${port}${options.baseUrl ?? '/'}'`,
    `c.JupyterHub.hub_bind_url = 'http://127.0.0.1:${hubPort}'`,
    `c.ConfigurableHTTPProxy.api_url = '${options.proxy?.apiUrl ?? `http://127.0.0.1:${apiPort}`}'`,
    ...(options.proxy
      ? ['c.Proxy.should_start = False', `c.ConfigurableHTTPProxy.auth_token = '${options.proxy.token}'`]
      : []),
    "c.JupyterHub.authenticator_class = 'dummy'",
    'c.Authenticator.allow_all = True',
    "c.Authenticator.admin_users = {'boss'}",
    "c.JupyterHub.spawner_class = 'simple'",
    `c.JupyterHub.services = [{'name': 'tester', 'api_token': '${adminToken}'}]`,
    `c.JupyterHub.load_roles = [{'name': 'tester', 'services': ['tester'], 'scopes': ${JSON.stringify(TESTER_SCOPES)}}]`,
    ...(typeof options.configLines === 'function' ? options.configLines(port) : (options.configLines ?? [])),
  ]
  writeFileSync(join(dir, 'jupyterhub_config.py'), `${config.join('\n')}\n`)
  const child = startHub(dir)
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (output += chunk))
  const url = `http://127.0.0.1:${port}`

  await until(
    'the released JupyterHub answers',
    async () => {
      if (child.exitCode !== null) return true
      return (await fetch(`${url}${options.baseUrl ?? '/'}hub/api/`)).ok
    },
    90_000,
  ).catch(async error => {
    await end(child, 'SIGKILL')
    throw new Error(`${error}\n${output}`, { cause: error })
  })
  if (child.exitCode !== null) throw new Error(`jupyterhub ended with ${child.exitCode}\n${output}`)

  return {
    url,
    hubUrl: `http://127.0.0.1:${hubPort}`,
    hubPort,
    adminToken,
    dir,
    pid: child.pid!,
    output: () => output,
    async stop() {
      await end(child, 'SIGTERM')
      if (!options.dir) rmSync(dir, { recursive: true, force: true })
    },
    kill: () => end(child, 'SIGKILL'),
  }
}

function startHub(dir: string): ChildProcess {
  const python = referencePython()
  const programs = [dirname(python), join(import.meta.dirname, '../../node_modules/.bin'), dirname(process.execPath)]
  return spawn(python, ['-m', 'jupyterhub', '-f', 'jupyterhub_config.py'], {
    cwd: dir,
    // Its proxy is a Node program; it must find the Node of these tests and not need one of the machine.
    env: { ...process.env, PATH: [...programs, process.env.PATH].join(delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
