/** One of the two programs as a real process with a given command line, and what a test asks of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import http, { type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import https from 'node:https'
import { type ClientOptions, WebSocket } from 'ws'
import { connectRaw } from '../../../src/proxy/testing/sockets.ts'
import { commandOf, type ProxyProgram } from '../../../src/proxy/testing/spawn-proxy.ts'
import { freePorts } from '../../support/free-ports.ts'
import { until } from '../../support/until.ts'

export const TOKEN = 'conformance-token'

export interface Ports {
  readonly port: number
  readonly api: number
  readonly metrics: number
  readonly redirect: number
}

export interface Answer {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  readonly trailers: NodeJS.Dict<string>
  readonly body: string
}

/** As for `node:http`, which sends paths as they are written. Follows no redirect, keeps no connection. */
export interface Ask extends RequestOptions {
  readonly body?: string | readonly string[]
  readonly tls?: { ca?: string | Buffer; key?: string | Buffer; cert?: string | Buffer; servername?: string }
}

/** Messages may come with the very bytes that open the socket. */
export type ListeningSocket = WebSocket & { readonly received: Buffer[] }

export interface RunningProgram extends AsyncDisposable {
  readonly program: ProxyProgram
  readonly ports: Ports
  readonly child: ChildProcess
  output(): string
  /** `url` is a path on the public side, or a whole address. */
  ask(url: string, how?: Ask): Promise<Answer>
  /** `path` begins after `/api/routes`. `body` goes as JSON unless it is text. */
  api(method: string, path?: string, body?: unknown, how?: Ask): Promise<Answer>
  addRoute(path: string, target: string): Promise<void>
  /** All bytes that come back for these on a connection of its own, until its end or until `marker`. */
  raw(text: string, marker?: string | RegExp): Promise<string>
  webSocket(path: string, protocols?: string[], options?: ClientOptions): Promise<ListeningSocket>
  lastActivity(path: string): Promise<number>
  /** Ends with a signal; resolves to its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface Launch {
  readonly flags: (ports: Ports) => readonly string[]
  /** Left out by settings that choose their own. */
  readonly addresses?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Base of the public side and of the API, where they are not plain HTTP on the ports. */
  readonly publicUrl?: (ports: Ports) => string
  readonly apiUrl?: (ports: Ports) => string
  /** Unix sockets in their place. */
  readonly sockets?: { readonly public: string; readonly api: string } | undefined
}

export async function startProgram(program: ProxyProgram, launch: Launch): Promise<RunningProgram> {
  // A free port may be taken by someone else before the program opens it, hence several tries.
  for (let tries = 1; ; tries++) {
    const running = await launchOnce(program, launch)
    const { child } = running
    const answers = (asked: Promise<Answer>) =>
      asked.then(
        () => true,
        ({ code }) => !['ECONNREFUSED', 'ENOENT'].includes(code), // a handshake that is refused is an answer, too
      )
    const isUp = async () => (await answers(running.api('GET'))) && (await answers(running.ask('/_chp_healthz')))
    // configurable-http-proxy goes on without the port that it did not get.
    const isTaken = () => /EADDRINUSE|already listens/.test(running.output())
    const hasEnded = () => child.exitCode !== null || isTaken()
    await until(`${program} to start`, async () => hasEnded() || (await isUp()), 60_000).catch(error => {
      child.kill('SIGKILL')
      throw new Error(running.output(), { cause: error })
    })
    if (!hasEnded()) return running
    await running.stop()
    if (tries === 3 || !isTaken()) throw new Error(`${program} ended with ${child.exitCode}: ${running.output()}`)
  }
}

/** For command lines with which a program does not start. */
export async function runToEnd(program: ProxyProgram, flags: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, [...commandOf(program), ...flags], { stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code
}

async function launchOnce(program: ProxyProgram, launch: Launch): Promise<RunningProgram> {
  const [port, api, metrics, redirect] = (await freePorts(4)) as [number, number, number, number]
  const ports = { port, api, metrics, redirect }
  const addresses = ['--ip', '127.0.0.1', '--port', `${port}`, '--api-ip', '127.0.0.1', '--api-port', `${api}`]
  const args = [...(launch.addresses === false ? [] : addresses), ...launch.flags(ports)]
  const child = spawn(process.execPath, [...commandOf(program), ...args], {
    env: { ...process.env, CONFIGPROXY_AUTH_TOKEN: TOKEN, ...launch.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const publicUrl = launch.publicUrl?.(ports) ?? `http://127.0.0.1:${port}`
  const apiUrl = launch.apiUrl?.(ports) ?? `http://127.0.0.1:${api}`

  const ask = (url: string, how: Ask = {}) =>
    url.startsWith('/')
      ? askAt(publicUrl, url, {
          ...(launch.sockets && { socketPath: launch.sockets.public }),
          ...how,
        })
      : askAt(url, '', how)
  const callApi = (method: string, path = '', body?: unknown, how: Ask = {}) =>
    askAt(apiUrl, `/api/routes${path}`, {
      method,
      headers: { authorization: `token ${TOKEN}` },
      ...(launch.sockets && { socketPath: launch.sockets.api }),
      ...how,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })

  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
    return child.exitCode
  }

  return {
    program,
    ports,
    child,
    output: () => output,
    ask,
    api: callApi,
    async addRoute(path, target) {
      const { status, body } = await callApi('POST', path, { target })
      if (status !== 201) throw new Error(`no route ${path}: ${status} ${body}`)
    },
    async raw(text, marker) {
      await using connection = connectRaw(port, text)
      return marker === undefined ? await connection.untilClosed() : await connection.until(marker)
    },
    async webSocket(path, protocols = [], options = {}) {
      const url = publicUrl.replace(/^http/, 'ws') + path
      const socket = new WebSocket(url, protocols, options)
      const received: Buffer[] = []
      socket.on('message', data => received.push(data as Buffer))
      await once(socket, 'open')
      return Object.assign(socket, { received })
    },
    async lastActivity(path) {
      return Date.parse((JSON.parse((await callApi('GET', path)).body) as { last_activity: string }).last_activity)
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** `path` is not normalised on its way. */
function askAt(base: string, path: string, { body, tls, ...options }: Ask): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const at = new URL(base)
  const client = at.protocol === 'https:' ? https : http
  const request = client.request(
    {
      agent: false,
      hostname: at.hostname,
      port: at.port,
      path: path || at.pathname + at.search,
      ...options,
      ...tls,
    },
    async response => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        resolve({
          status: response.statusCode!,
          reason: response.statusMessage!,
          headers: response.headers,
          trailers: response.trailers,
          body: Buffer.concat(chunks).toString(),
        })
      } catch (error) {
        reject(error)
      }
    },
  )
  request.on('error', reject)
  for (const part of typeof body === 'string' ? [] : (body ?? [])) request.write(part)
  request.end(typeof body === 'string' ? body : undefined)
  return promise
}
