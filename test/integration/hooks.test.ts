/** The real program with a config of hooks: an authenticator of the site's own, its auth state, groups and roles, and a
 * server that all of them have had a hand in. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../src/core/runtime.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { until } from '../support/until.ts'

const tinyServer = join(import.meta.dirname, '../support/tiny-server.py')

const CONFIG = `
import { appendFileSync, existsSync } from 'node:fs'
import { defineConfig, HubError, type Authenticator } from 'orrery'
import base from './orrery.config.json' with { type: 'json' }

const here = import.meta.dirname
const note = (line: string) => appendFileSync(here + '/story.log', line + '\\n')

const ourProxy: Authenticator = {
  name: 'our-proxy',
  login: { kind: 'request' },
  async authenticate({ headers }) {
    const name = headers['x-remote-user']
    if (!name) return { refused: 'no_remote_user', message: 'The proxy did not say who you are.' }
    return {
      name,
      groups: ['physics'],
      roles: [{ name: 'user' }, { name: 'tutor', scopes: ['read:users:name'] }],
      authState: { token: 'token-of-' + name },
    }
  },
  async refresh(user, state) {
    note('refresh ' + user.name + ' ' + JSON.stringify(state))
    return existsSync(here + '/expired') ? 'expired' : 'current'
  },
  async beforeSpawn(user, state, server) {
    server.environment.FROM_AUTHENTICATOR = (state as { token: string }).token
  },
}

export default defineConfig({
  ...(base as object),
  authenticator: ourProxy,
  access: { allowAll: true, manageGroups: true, manageRoles: true },
  authState: { enabled: true, keys: ['${'ab'.repeat(32)}'] },
  signIn: { refreshPreSpawn: true },
  servers: {
    cmd: ['/usr/bin/env', 'python3', '${tinyServer}'],
    environment: { GREETING: server => 'Hello ' + server.user.name },
    optionsForm: { html: '<input name="course">', parse: 'simple' },
    applyUserOptions(server, options) {
      const { course } = options as { course?: string }
      if (course === 'none') throw new HubError('no_such_course', { status: 400, message: 'No such course.' })
      server.environment.COURSE = course ?? ''
    },
    groupOverrides: { a: { groups: ['physics'], servers: { environment: { HAS_LAB: '1' } } } },
  },
  hooks: {
    postAuth(proven) {
      if (proven.name === 'mallory') throw new HubError('closed', { status: 403, message: 'Closed for you.' })
      return proven
    },
    authState(server, state) {
      server.environment.FROM_STATE = (state as { token: string }).token
    },
    preSpawn: server => note('start ' + server.user.name),
    postStop: ({ user }) => note('stop ' + user.name),
    progressReady: event => ({ ...event, message: 'Here we go' }),
  },
})
`

describe('a config with hooks', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess
  let dataDir: string
  let cookies: string

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'orrery-hooks-'))
    const file = join(dataDir, 'hooks.config.ts')
    writeFileSync(file, CONFIG)
    writeFileSync(join(dataDir, 'story.log'), '')
    chmodSync(join(dataDir, 'story.log'), 0o666) // the hub may be another user
    orrery = await startOrrery({ dataDir, args: ['--config', file] })
  })
  after(() => orrery?.stop())

  const visit = (path: string, options: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(orrery.url + path, { redirect: 'manual', ...options, headers: { cookie: cookies, ...options.headers } })
  const xsrf = () => /_xsrf=([^;]+)/.exec(cookies)![1]!
  const api = (method: string, path: string, body?: unknown) =>
    visit(`/hub/api${path}`, {
      method,
      headers: { 'x-xsrftoken': xsrf(), 'content-type': 'application/json', 'sec-fetch-mode': 'cors' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  it('signs in by what the proxy in front says, where the site agrees', async () => {
    cookies = ''
    const nobody = await visit('/hub/login')
    const refused = await visit('/hub/login', { headers: { 'x-remote-user': 'mallory' } })
    const entered = await visit('/hub/login?next=%2Fhub%2Fhome', { headers: { 'x-remote-user': 'ada' } })
    cookies = entered.headers
      .getSetCookie()
      .map(line => line.split(';')[0])
      .join('; ')

    assert.equal(nobody.status, 403)
    assert.match(await nobody.text(), /The proxy did not say who you are/)
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /Closed for you/)
    assert.deepEqual([entered.status, entered.headers.get('location')], [302, '/hub/home'])
    const me = (await (await api('GET', '/user')).json()) as Record<string, unknown>
    assert.partialDeepStrictEqual(me, { name: 'ada', groups: ['physics'], roles: ['user', 'tutor'] })
    assert.match(await authStateInDatabase(dataDir), /^gAAAA/)
  })

  it('starts a server that authenticator, auth state, groups, options and variables have made', async () => {
    const started = await api('POST', '/users/ada/server', { user_options: { course: 'optics' } })
    assert.ok([201, 202].includes(started.status), await started.text())
    const events = await (await api('GET', '/users/ada/server/progress')).text()
    assert.match(events, /"message":"Here we go"/)

    const { env } = (await (await visit('/user/ada/environment')).json()) as { env: Record<string, string> }
    assert.partialDeepStrictEqual(env, {
      GREETING: 'Hello ada',
      FROM_AUTHENTICATOR: 'token-of-ada',
      FROM_STATE: 'token-of-ada',
      HAS_LAB: '1',
      COURSE: 'optics',
    })
    assert.match(readStory(dataDir), /refresh ada \{"token":"token-of-ada"\}\nstart ada\n/)
  })

  it('tells when a server is gone, and why a start is refused', async () => {
    assert.equal((await api('DELETE', '/users/ada/server')).status, 204)
    await until('the hook after the stop has run', () => readStory(dataDir).includes('stop ada'))

    const wrong = await api('POST', '/users/ada/server', { user_options: { course: 'none' } })
    assert.partialDeepStrictEqual(await wrong.json(), { code: 'no_such_course', message: 'No such course.' })
  })

  it('sends whoever has expired to the login page and back to the start', async () => {
    writeFileSync(join(dataDir, 'expired'), '')
    const expired = await visit('/hub/spawn?opt-course=optics')
    assert.deepEqual(
      [expired.status, expired.headers.get('location')],
      [302, '/hub/login?next=%2Fhub%2Fspawn%3Fopt-course%3Doptics'],
    )
    assert.equal((await visit('/hub/home')).status, 302)

    const again = await visit(expired.headers.get('location')!, { headers: { 'x-remote-user': 'ada' } })
    assert.equal(again.headers.get('location'), '/hub/spawn?opt-course=optics')
  })
})

function readStory(dataDir: string): string {
  return readFileSync(join(dataDir, 'story.log'), 'utf8')
}

async function authStateInDatabase(dataDir: string): Promise<string> {
  const database = await openDatabase(`sqlite:///${dataDir}/hub/jupyterhub.sqlite`, { log: silentLogger })
  const row = await database.db
    .selectFrom('users')
    .select('encrypted_auth_state')
    .where('name', '=', 'ada')
    .executeTakeFirstOrThrow()
  await database.close()
  return Buffer.from(row.encrypted_auth_state ?? []).toString()
}
