/** Starts this proxy or the released configurable-http-proxy as a program, with the same command line for both. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { until } from '../../../test/support/until.ts'
import { proxyApi } from '../api-client.ts'
import { freePort } from './sockets.ts'

export type ProxyProgram = 'orrery' | 'configurable-http-proxy'

export interface SpawnedProxy extends AsyncDisposable {
  readonly program: ProxyProgram
  readonly port: number
  readonly url: string
  readonly apiUrl: string
  readonly child: ChildProcess
  /** Standard output and error so far. */
  readonly log: () => string
  /** Ends with a signal and waits for the exit. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Calls the REST API; `path` begins after `/api/routes`. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<Response>
}

export const TOKEN = 'test-token'

const source = join(import.meta.dirname, '..', '..', 'cli', 'proxy.ts')

export function commandOf(program: ProxyProgram): string[] {
  if (program === 'orrery') return [source]
  const manifest = createRequire(import.meta.url).resolve('configurable-http-proxy/package.json')
  return [join(manifest, '..', 'bin', 'configurable-http-proxy')]
}

export async function spawnProxy(
  program: ProxyProgram,
  flags: readonly string[] = [],
  fixed: { port?: number; apiPort?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<SpawnedProxy> {
  // A free port may be taken by someone else before the program opens it, hence several tries.
  for (let tries = 1; ; tries++) {
    const port = fixed.port ?? (await freePort())
    const apiPort = fixed.apiPort ?? (await freePort())
    const child = spawn(
      process.execPath,
      [
        ...commandOf(program),
        '--ip',
        '127.0.0.1',
        '--port',
        `${port}`,
        '--api-ip',
        '127.0.0.1',
        '--api-port',
        `${apiPort}`,
        ...flags,
      ],
      { env: { ...process.env, CONFIGPROXY_AUTH_TOKEN: TOKEN, ...fixed.env }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        output += chunk
      })
    }
    const scheme = flags.includes('--ssl-key') ? 'https' : 'http'
    const url = `${scheme}://127.0.0.1:${port}`
    const apiUrl = `http://127.0.0.1:${apiPort}`
    // Both answer with an error by themselves once they listen; a certificate that fetch refuses is an answer, too.
    const answers = (address: string) =>
      fetch(address).then(
        () => true,
        error => error.cause?.code !== 'ECONNREFUSED',
      )
    const isUp = async () => (await answers(`${apiUrl}/api/routes`)) && (await answers(`${url}/_chp_healthz`))
    await until(`${program} to start`, async () => child.exitCode !== null || (await isUp()), 30_000)
    if (child.exitCode !== null) {
      if (tries < 3 && /EADDRINUSE|already listens/.test(output)) continue
      throw new Error(`${program} ended with ${child.exitCode}: ${output}`)
    }
    const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    return {
      program,
      port,
      url,
      apiUrl,
      child,
      log: () => output,
      stop,
      api: (method, path, body, token = TOKEN) =>
        fetch(`${apiUrl}/api/routes${path}`, {
          method,
          headers: { Authorization: `token ${token}` },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      [Symbol.asyncDispose]: () => stop(),
    }
  }
}

export function apiOf(proxy: SpawnedProxy) {
  return proxyApi({ url: proxy.apiUrl, token: TOKEN })
}
