/** An Orrery with one person and their server, that ends and comes back. */
import assert from 'node:assert/strict'
import { freePorts } from '../free-ports.ts'
import { HttpSession } from '../http-session.ts'
import { type OrreryProcess, startOrrery } from '../orrery-process.ts'
import { tokenOf } from '../own-server.ts'
import { until } from '../until.ts'
import type { WayToRun } from './way-to-run.ts'

export interface ServerModel {
  readonly ready: boolean
  readonly pending: string | null
  readonly stopped: boolean
  readonly reason: { readonly code: string; readonly failed: boolean } | null
  readonly state: unknown
}

export interface SurvivesSite {
  readonly url: string
  /** Signed in before anything ended. */
  readonly visitor: HttpSession
  /** The person's, made before anything ended. */
  readonly token: string
  /** As it runs now. */
  orrery(): OrreryProcess
  /** Starts it again after an end, at the same addresses. */
  again(...args: string[]): Promise<void>
  requestStart(): Promise<void>
  server(): Promise<ServerModel>
  /** Waits until nothing is pending. */
  settled(): Promise<ServerModel>
  /** Where the proxy leads, by the hub's table of routes. */
  port(): Promise<number>
  /** Session and token of before are still good, and the hub knows the server as one that is ready. */
  knowsEverything(): Promise<void>
  /** Its server ends, too. */
  close(): Promise<void>
}

const START_MS = 120_000

export async function survivesSite(way: WayToRun, cmd: readonly string[]): Promise<SurvivesSite> {
  const [port, hubPort] = (await freePorts(2)) as [number, number]
  const { person } = way
  const { servers, ...rest } = way.config
  const config = {
    authenticator: { kind: 'dummy' },
    access: { allowAll: true, adminUsers: ['boss'] },
    ...rest,
    // Nobody waits for the answer to a start as long as a browser would.
    servers: { cmd, pollInterval: 1, slowSpawnTimeout: 0, ...(servers as object | undefined) },
  }
  const places = { config, port, hubPort, ...(way.uid !== undefined && { uid: way.uid }) }
  let orrery = await startOrrery(places)
  const { url, dataDir } = orrery
  const visitor = new HttpSession(url)
  await visitor.signIn(person, 'any')
  const token = await tokenOf(url, person)
  await new HttpSession(url).signIn('boss', 'any')
  const authorization = `token ${await tokenOf(url, 'boss')}`

  function asAdmin(path: string, method = 'GET'): Promise<Response> {
    return fetch(`${url}/hub/api${path}`, { method, headers: { authorization } })
  }

  async function server(): Promise<ServerModel> {
    const answer = await asAdmin(`/users/${person}?include_stopped_servers`)
    assert.equal(answer.status, 200)
    const { servers } = (await answer.json()) as { servers: Record<string, ServerModel> }
    return servers['']!
  }

  return {
    url,
    visitor,
    token,
    orrery: () => orrery,
    async again(...args) {
      orrery = await startOrrery({ ...places, dataDir, args })
    },
    async requestStart() {
      const { status } = await asAdmin(`/users/${person}/server`, 'POST')
      assert.ok([201, 202].includes(status), `the start is answered with ${status}`)
    },
    server,
    settled: () =>
      until(
        'nothing is pending',
        async () => {
          const now = await server()
          return now.pending === null && now
        },
        START_MS,
      ),
    async port() {
      const routes = (await (await asAdmin('/proxy')).json()) as Record<string, { target: string }>
      return Number(new URL(routes[`/user/${person}/`]!.target).port)
    },
    async knowsEverything() {
      assert.match((await visitor.go('/hub/home')).at, /\/hub\/home$/, 'still signed in')
      const user = await fetch(`${url}/hub/api/user`, { headers: { authorization: `token ${token}` } })
      assert.equal(((await user.json()) as { name: string }).name, person)
      await until('the hub knows that the server is ready', async () => (await server()).ready)
    },
    async close() {
      await asAdmin(`/users/${person}/server`, 'DELETE').catch(() => {}) // after a test that has failed there may be no hub
      await until('its server has ended', async () => (await server()).stopped).catch(() => {})
      await orrery.stop()
    },
  }
}
