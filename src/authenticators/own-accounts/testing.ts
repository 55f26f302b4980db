import type { Database } from '../../db/database.ts'
import { endSessions } from '../../features/accounts/end-sessions.ts'
import { sqlOneTimeLinkStore } from '../../features/accounts/one-time-links.ts'
import { sqlAccountStore } from '../../features/accounts/store.ts'
import { testClock } from '../../features/accounts/testing.ts'
import type { PluginRequest } from '../../plugin/authenticator.ts'
import { contextFor, emptyRequest, routesOf } from '../../plugin/authenticator-contract.ts'
import type { OwnAccountsOptions } from './options.ts'
import { ownAccounts } from './own-accounts.ts'

/** Hashes for tests cost next to nothing. */
export const CHEAP = { ln: 4, r: 8, p: 1 }
export const GOOD_PASSWORD = 'correct horse battery'

/** Own accounts on a database, with the hub's side of its pages played by the test. */
export function ownAccountsHarness(database: Database, options: Partial<OwnAccountsOptions> = {}) {
  const clock = testClock()
  const accounts = sqlAccountStore(database, clock)
  const links = sqlOneTimeLinkStore(database, clock)
  const authenticator = ownAccounts({
    accounts,
    links,
    passwordCost: CHEAP,
    refusalFloorMs: 0,
    endSessions: name => endSessions(database, name),
    ...options,
  })
  const log: string[] = []
  const context = () => contextFor(AbortSignal.timeout(10_000), log, () => clock.now())
  return { accounts, links, authenticator, clock, log, signIn, get, post }

  function signIn(username: string, password: string) {
    return authenticator.authenticate!({ form: { username, password }, address: '192.0.2.7', headers: {} }, context())
  }

  function get(path: string, given: Partial<PluginRequest> = {}) {
    return call('get', path, given)
  }

  function post(path: string, form: Record<string, string>, given: Partial<PluginRequest> = {}) {
    return call('post', path, { form, ...given })
  }

  /** Answers flattened, so that a test can look at `state`, `faults`, `redirect` and so on at once. */
  async function call(method: 'get' | 'post', path: string, given: Partial<PluginRequest>) {
    const route = routesOf(authenticator).find(route => route.method === method && route.path === path)!
    const response = await route.handler(emptyRequest({ context: context(), ...given }))
    const vars = ('page' in response && response.vars) || {}
    const codes = ((vars.faults ?? []) as { code: string }[]).map(fault => fault.code) // pages of this folder
    return { ...response, ...vars, codes } as Record<string, unknown> & { codes: string[] }
  }
}

/** Somebody who is signed in. */
export function signedInAs(name: string, admin = false): Partial<PluginRequest> {
  return { user: { id: 1, name, admin, groups: [] } }
}

export function typed(username: string, password = GOOD_PASSWORD, confirm = password): Record<string, string> {
  return { username, password, password_confirm: confirm }
}
