/** The real program, started as a person starts it, in a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { descendants, type ProcessInfo, readProcess } from './processes.ts'
import { referencePython, singleUserCommand } from './python-env.ts'
import { removeServerGroups } from './server-groups.ts'
import { until } from './until.ts'
import { removeWhatServersLeft } from './users.ts'

const repository = join(import.meta.dirname, '../..')

export interface OrreryProcess {
  readonly url: string
  readonly dataDir: string
  /** The one-time link that makes the first administrator, as the terminal showed it. */
  readonly firstAdminLink: string | undefined
  output(): string
  /** The process of a part as it is now; another one after a restart. */
  part(name: 'hub' | 'proxy' | 'launcher'): ProcessInfo | undefined
  /** `kill -9` of a part; returns when its successor answers. */
  killPart(name: 'hub' | 'proxy' | 'launcher'): Promise<void>
  /** `kill -9` of what looks after the parts, as the out-of-memory killer would; returns when all of them are gone. */
  crash(): Promise<void>
  stop(options?: { keepData?: boolean }): Promise<void>
}

export async function startOrrery(options: {
  /** Source of `orrery.config.json`; hub, proxy and ports are added. A function is told the public port. */
  config?: Record<string, unknown> | ((port: number) => Record<string, unknown>)
  /**
   * Source of a `jupyterhub_config.py` in its place, in the folder `site` of the data folder, which is the working
   * folder. `url` is that of the proxy; the ports are added below it.
   */
  pythonConfig?: (url: string) => string
  dataDir?: string
  args?: readonly string[]
  env?: Record<string, string>
  /** For servers of a former hub, which call it where they know it. */
  hubPort?: number
  /** Of the proxy, for browsers of before. */
  port?: number
  /** `bin/orrery.mjs` of another copy, a built package say. */
  bin?: string
  /** Runs it, and so all servers, as this Linux user. Default: as the caller. */
  uid?: number
}): Promise<OrreryProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'orrery-e2e-'))
  chmodSync(dataDir, 0o755)
  const [freePort, hubPort, apiPort] = (await freePorts(3)) as [number, number, number]
  const port = options.port ?? freePort
  const given = typeof options.config === 'function' ? options.config(port) : options.config
  const configFile = join(dataDir, 'orrery.config.json')
  const config = {
    // Linux users of a test run are its own, whatever an interrupted one has left behind.
    spawner: { kind: 'local', accountPrefix: `t${randomBytes(3).toString('hex')}-` },
    ...given,
    servers: { preload: startsRealServers(given) ? 'auto' : 'off', ...(given?.servers as object | undefined) },
    bindUrl: `http://127.0.0.1:${port}`,
    hub: { ...(given?.hub as object | undefined), bindUrl: `http://127.0.0.1:${options.hubPort ?? hubPort}` },
    proxy: { ...(given?.proxy as object | undefined), apiUrl: `http://127.0.0.1:${apiPort}` },
  }
  writeFileSync(configFile, JSON.stringify(config, undefined, 2))
  if (options.uid !== undefined) chownSync(dataDir, options.uid, options.uid)
  const site = join(dataDir, 'site')
  if (options.pythonConfig) {
    mkdirSync(site, { recursive: true })
    const ports = [
      `c.JupyterHub.bind_url = '${config.bindUrl}'`,
      `c.JupyterHub.hub_bind_url = '${config.hub.bindUrl}'`,
      `c.ConfigurableHTTPProxy.api_url = '${config.proxy.apiUrl}'`,
    ]
    writeFileSync(join(site, 'jupyterhub_config.py'), `${options.pythonConfig(config.bindUrl)}\n${ports.join('\n')}\n`)
  }
  const child = spawn(
    process.execPath,
    [
      options.bin ?? join(repository, 'bin/orrery.mjs'),
      'start',
      '--data-dir',
      dataDir,
      '--config',
      ...(options.pythonConfig ? ['jupyterhub_config.py', '--python', referencePython()] : [configFile]),
      ...(options.args ?? []),
    ],
    {
      cwd: options.pythonConfig ? site : repository,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    },
  )
  let output = ''
  child.stdout!.on('data', chunk => (output += chunk))
  child.stderr!.on('data', chunk => (output += chunk))
  const speaksTls = (given?.proxy as { tls?: unknown } | undefined)?.tls !== undefined
  const url = `${speaksTls ? 'https' : 'http'}://127.0.0.1:${port}`

  const apiUrl = `${url}${given?.baseUrl ?? '/'}hub/api/`
  const answers = async () => child.exitCode !== null || (await isOk(apiUrl))
  await until('Orrery answers', answers, 300_000).catch(error => {
    child.kill('SIGTERM')
    throw new Error(`${error}\n${output}`, { cause: error })
  })
  if (child.exitCode !== null) throw new Error(`orrery start ended with ${child.exitCode}:\n${output}`)
  const address = String(given?.publicUrl ?? port)
  if (!options.dataDir) await until('the terminal shows where it is', () => output.includes(address))

  const part = (name: string) => descendants(child.pid!).find(info => isPart(info, name))
  return {
    url,
    dataDir,
    firstAdminLink: /https?:\/\/\S+first-admin\S+/.exec(output)?.[0],
    output: () => output,
    part,
    async killPart(name) {
      const before = part(name)
      if (!before) throw new Error(`no process of the ${name} is running`)
      process.kill(before.pid, 'SIGKILL')
      await until(`${name} is back`, () => {
        const now = part(name)
        return now !== undefined && now.pid !== before.pid
      })
      await until('Orrery answers again', () => isOk(apiUrl))
    },
    async crash() {
      const all = descendants(child.pid!)
      const supervisor = all.find(info => isPart(info, 'start'))
      if (!supervisor) throw new Error('no supervisor is running')
      const parts = all.filter(info => ['hub', 'proxy', 'launcher'].some(name => isPart(info, name)))
      process.kill(supervisor.pid, 'SIGKILL')
      await until('all parts are gone', () => parts.every(({ pid }) => !readProcess(pid)))
    },
    async stop({ keepData = false } = {}) {
      await end(child)
      if (keepData) return
      removeWhatServersLeft(dataDir)
      await removeServerGroups(join(dataDir, 'launcher'))
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Whatever its certificate. */
function isOk(url: string): Promise<boolean> {
  if (url.startsWith('http:')) return fetch(url).then(response => response.ok)
  return new Promise((resolve, reject) => {
    const asked = get(url, { rejectUnauthorized: false, agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', reject)
  })
}

/** The innermost Node process whose command is `... main.ts hub ...`. */
function isPart(info: ProcessInfo, name: string): boolean {
  const main = info.command.findIndex(word => /cli\/main\.(ts|js)$/.test(word))
  return main > 0 && /node$/.test(info.command[0] ?? '') && info.command[main + 1] === name
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

/** Tests that start no server or a tiny one need not import JupyterLab for it. */
function startsRealServers(config: Record<string, unknown> | undefined): boolean {
  const { cmd } = (config?.servers ?? {}) as { cmd?: readonly string[] } // as the test wrote it
  return cmd?.[0] === singleUserCommand()[0]
}
