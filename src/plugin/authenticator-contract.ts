/**
 * What every authenticator must do, on the real thing. Register it from the authenticator's own test file:
 * `authenticatorContract('pam', async () => harness)`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Logger } from '../core/runtime.ts'
import type { AuthContext, Authenticator, PluginRequest, PluginResponse, Refused } from './authenticator.ts'

export interface AuthenticatorHarness {
  readonly authenticator: Authenticator
  /** An authenticator that knows nothing of what the first one did, as after a restart or in another hub. */
  another(): Promise<Authenticator>
  /** Somebody who can sign in by the form. Absent when it has no form. */
  readonly good?: { readonly username: string; readonly password: string }
  /** A name that it does not know, for which no password is right. Absent where any name will do. */
  readonly unknownName?: string
  /** A password that is wrong for everybody. Absent where any will do. */
  readonly wrongPassword?: string
  /** The longest time that a refusal may take. Default 10 000. */
  readonly patienceMs?: number
  close(): Promise<void>
}

/** Texts that have broken one login form or another. */
const HOSTILE = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  'a/b',
  '%2e%2e',
  'a\0b',
  'a\nb',
  "' or 1=1 --",
  '*)(uid=*',
  '$(id)',
  '-oProxyCommand=id',
  'ünïcødé',
  '\u202eecila',
  '\ud800',
  'x'.repeat(300),
  'x'.repeat(100_000),
]

export function authenticatorContract(name: string, make: () => Promise<AuthenticatorHarness>): void {
  describe(`${name} keeps the contract of authenticators`, () => {
    let harness: AuthenticatorHarness
    before(async () => {
      harness = await make()
    })
    after(() => harness?.close())

    const attempt = (form: Record<string, string>, authenticator = harness.authenticator, log: string[] = []) => {
      const signal = AbortSignal.timeout(harness.patienceMs ?? 10_000)
      return authenticator.authenticate!({ form, address: '192.0.2.7', headers: {} }, contextFor(signal, log))
    }

    it('has a name for logs, and a form exactly when it checks one', () => {
      const { authenticator } = harness
      assert.match(authenticator.name, /^[a-z][a-z0-9-]*$/)
      if (authenticator.login.kind === 'form') assert.ok(authenticator.authenticate)
    })

    it('proves the right one, in any hub, without keeping anything in memory', async context => {
      if (!harness.good) return context.skip('it has no form')
      const first = await attempt({ ...harness.good })
      const second = await attempt({ ...harness.good }, await harness.another())
      for (const proven of [first, second]) {
        assert.ok('name' in proven, JSON.stringify(proven))
        assert.equal(proven.name.toLowerCase(), harness.good.username.toLowerCase())
      }
    })

    it('answers wrong password and unknown name alike', async context => {
      const { good, unknownName, wrongPassword } = harness
      if (!good || wrongPassword === undefined) return context.skip('every password is right')
      const wrong = await attempt({ username: good.username, password: wrongPassword })
      isRefusal(wrong)
      assert.equal(wrong.countsAsFailure ?? true, true)
      if (unknownName !== undefined)
        assert.deepEqual(await attempt({ username: unknownName, password: wrongPassword }), wrong)
    })

    it('refuses an empty password, a part of the right one, and the right one with more after it', async context => {
      const { good, wrongPassword } = harness
      if (!good || wrongPassword === undefined) return context.skip('every password is right')
      for (const password of ['', good.password.slice(0, -1), `${good.password} `, `${good.password}\0`]) {
        isRefusal(await attempt({ username: good.username, password }))
      }
      isRefusal(await attempt({ username: good.username }))
      isRefusal(await attempt({}))
    })

    it('answers hostile names and passwords with a refusal or a harmless name, never by failing', async context => {
      const { good, wrongPassword } = harness
      if (!harness.authenticator.authenticate) return context.skip('it has no form')
      for (const text of HOSTILE) {
        const asName = await attempt({ username: text, password: wrongPassword ?? 'x' })
        if (wrongPassword !== undefined) isRefusal(asName)
        if (good && wrongPassword !== undefined) isRefusal(await attempt({ username: good.username, password: text }))
      }
    })

    it('never logs a password', async context => {
      const { good, wrongPassword } = harness
      if (!good) return context.skip('it has no form')
      const log: string[] = []
      await attempt({ ...good }, undefined, log)
      await attempt({ username: good.username, password: wrongPassword ?? 'wrong-password-1' }, undefined, log)
      const text = log.join('\n')
      assert.ok(!text.includes(good.password) && !text.includes(wrongPassword ?? 'wrong-password-1'))
    })

    it('brings routes with plain paths, whose pages answer visitors who know nothing', async () => {
      for (const { method, path, access, handler } of routesOf(harness.authenticator)) {
        assert.match(path, /^[a-z0-9_-]+(\/:?[a-z0-9_-]+)*$/, path)
        if (access !== 'everyone' || method === 'get') continue
        const response = await handler(emptyRequest())
        assert.ok(!('signedIn' in response), `POST ${path} without any field signs somebody in`)
      }
    })
  })
}

/** A route as an authenticator brought it; tests of authenticators call its handler. */
export interface ContractRoute {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly access: 'everyone' | 'signed-in' | 'admin'
  readonly handler: (request: PluginRequest) => Promise<PluginResponse>
}

export function routesOf(authenticator: Authenticator): ContractRoute[] {
  const routes: ContractRoute[] = []
  authenticator.routes?.({
    get: (path, access, handler) => routes.push({ method: 'get', path, access, handler }),
    post: (path, access, handler) => routes.push({ method: 'post', path, access, handler }),
  })
  return routes
}

/** A request of a visitor who is not signed in; `given` replaces parts of it. */
export function emptyRequest(given: Partial<PluginRequest> = {}): PluginRequest {
  return {
    query: {},
    form: {},
    params: {},
    user: undefined,
    address: '192.0.2.7',
    context: contextFor(AbortSignal.timeout(10_000), []),
    hubUrl: path => `/hub/${path}`,
    throttle: async () => undefined,
    ...given,
  }
}

/** What is logged goes to `lines`. */
export function contextFor(signal: AbortSignal, lines: string[], now: () => Date = () => new Date()): AuthContext {
  const add = (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`)
  const log: Logger = { debug: add, info: add, warn: add, error: add, child: () => log }
  return { log, signal, now }
}

function isRefusal(outcome: unknown): asserts outcome is Refused {
  const refused = outcome as Partial<Refused>
  assert.match(refused.refused ?? '', /^[a-z][a-z_]*$/, JSON.stringify(outcome).slice(0, 200))
  assert.ok(refused.message)
}
