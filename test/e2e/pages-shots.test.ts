/**
 * Every page in every state, in Chromium: wide and 390 px, light and dark, as pictures in `test-results/pages`; free of
 * faults that axe-core finds (WCAG 2.2 AA); never wider than a 320 px screen.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { FormFault } from '../../src/authenticators/own-accounts/page-vars.ts'
import { HubError } from '../../src/core/errors.ts'
import { scopeDefinitions } from '../../src/core/scopes/definitions.ts'
import { type TestApi, testApi } from '../../src/features/testing.ts'
import { lazyDocument } from '../../src/http/api-document.ts'
import type { PageUsage } from '../../src/pages/deps.ts'
import { PASSWORD, type PagesHub, pagesHub } from '../../src/pages/testing.ts'
import type { PluginRouter } from '../../src/plugin/authenticator.ts'
import { launchBrowser } from '../support/browser.ts'
import { inEveryLook } from '../support/every-look.ts'
import { sampleProfiles } from '../support/sample-profiles.ts'

const FOLDER = join(import.meta.dirname, '../../test-results/pages')
const ada = { user: 'ada', server: '' }
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000)
const ready = (server = '') => ({ phase: 'ready', since: ago(5400), url: `/user/ada/${server}` }) as const
const failure = {
  code: 'start_timeout',
  message: 'The server did not answer within 60 seconds.',
  nextStep: 'Start it again; if it fails again, show the log below to your administrator.',
  logTail: `[I 2026-11-22 04:29:14.101 ServerApp] jupyterlab | extension was successfully linked.
[W 2026-11-22 04:29:15.220 ServerApp] No space left on device: '/home/ada/.local/share/jupyter/runtime'
[C 2026-11-22 04:29:15.221 ServerApp] The runtime folder could not be made, ending.`,
}
/** Ten minutes in which memory grew to that share of 2 GB. */
function used(share: number): PageUsage {
  const points = Array.from({ length: 60 }, (_, n) => ({
    at: ago((59 - n) * 10),
    memoryBytes: 2 ** 31 * share * (0.3 + (0.7 * n) / 59),
    cpu: 0.4 + 0.4 * Math.sin(n / 3),
  }))
  return { latest: { ...points.at(-1)!, memoryLimitBytes: 2 ** 31, cpuLimit: 2 }, points }
}
const passwordRules = { minimumLength: 12, refusesCommon: true }
const noFaults: FormFault[] = []

/** What own accounts and the consent page would be given, without their machinery. */
function samplePages(router: PluginRouter): void {
  const page = (path: string, template: string, vars: Record<string, unknown>) =>
    router.get(path, 'everyone', async () => ({ page: template, vars }))
  const form = {
    faults: noFaults,
    passwordRules,
    loginUrl: '/hub/login',
    usernameHint: 'a-z, 0-9, hyphen, underscore.',
  }
  const signUp = { ...form, state: 'form', needsApproval: true, asksEmail: true, username: '', email: '', action: '#' }
  page('signup', 'signup.html', signUp)
  page('signup-faults', 'signup.html', {
    ...signUp,
    username: 'ada',
    email: 'ada@example.org',
    faults: [
      { field: 'username', code: 'name_taken', message: 'This name is taken.' },
      { field: 'password', code: 'password_too_short', message: 'The password has 5 characters.' },
    ],
  })
  page('signup-waiting', 'signup.html', { ...signUp, state: 'waiting', username: 'ada' })
  page('first-admin', 'first-admin.html', { ...form, state: 'form', link: 'x', username: '', action: '#' })
  page('first-admin-used', 'first-admin.html', { ...form, state: 'invalid', link: '', username: '', action: '#' })
  const change = { ...form, occasion: 'self', state: 'form', name: 'ada', link: '', action: '#' }
  page('change-password', 'change-password.html', change)
  page('reset-password', 'change-password.html', { ...change, occasion: 'admin', name: 'grace' })
  page('reset-password-link', 'change-password.html', {
    ...change,
    occasion: 'admin',
    state: 'done',
    name: 'grace',
    resetLink: '/hub/change-password?link=Zk3v0b1Qm8rJx5nT2wYcL7',
    expiresAt: new Date(Date.now() + 86_400_000),
  })
  const account = { email: undefined, approved: true, mustChange: false, legacy: false, isSelf: false }
  page('authorize', 'authorize.html', {
    accounts: [
      { ...account, name: 'grace', email: 'grace@example.org', approved: false, created: ago(4000) },
      { ...account, name: 'linus', created: ago(900_000), legacy: true, mustChange: true },
      { ...account, name: 'root', created: ago(9_000_000), isSelf: true },
    ].map(row => ({ ...row, changePasswordUrl: `/hub/change-password/${row.name}` })),
    total: 3,
    waiting: 1,
    offset: 0,
    limit: 50,
    search: '',
    show: 'all',
    action: '/hub/authorize',
    faults: noFaults,
  })
  page('consent', 'oauth.html', {
    oauth_client: { description: 'Course catalogue', redirect_uri: 'https://catalogue.example.org/oauth_callback' },
    scope_descriptions: [
      { scope: 'read:users:name', description: 'Read names of users.', filter: 'only you' },
      { scope: 'access:servers', description: 'Access servers.', filter: 'user ada' },
    ],
    allowed_scopes: ['read:users:name!user=ada'],
  })
  page('invitation', 'accept-share.html', {
    owner: { name: 'grace' },
    spawner: { name: 'gpu' },
    spawner_url: '/user/grace/gpu/',
    next_url: '/user/grace/gpu/',
    code: 'x',
    scope_descriptions: [{ scope: 'access:servers', description: 'Access servers.', filter: 'server grace/gpu' }],
  })
}

interface Shot {
  url: string
  as?: string
  set?: (pages: PagesHub) => void
  act?: (page: Page) => Promise<unknown>
  show?: string
}

const signInAs = (name: string, password: string) => async (page: Page) => {
  await page.fill('#username_input', name)
  await page.fill('#password_input', password)
  await page.click('#login_submit')
  await page.waitForSelector('.login_error')
}

const OPEN_SOME = `for (const id of ['getVersion', 'listUsers', 'createToken', 'deleteGroup'])
  document.getElementById(id).parentElement.open = true`

const shots: Record<string, Shot> = {
  login: { url: '/hub/login' },
  'login-wrong': { url: '/hub/login', act: signInAs('ada', 'wrong') },
  'login-waiting': { url: '/hub/login', act: signInAs('grace', 'waiting') },
  'login-locked': { url: '/hub/login', act: signInAs('ada', 'locked') },
  'login-not-allowed': { url: '/hub/login', act: signInAs('mallory', 'not-allowed') },
  'login-signed-out': { url: '/hub/login?signed_out=1' },
  signup: { url: '/hub/signup' },
  'signup-faults': { url: '/hub/signup-faults' },
  'signup-waiting': { url: '/hub/signup-waiting' },
  'first-admin': { url: '/hub/first-admin' },
  'first-admin-used': { url: '/hub/first-admin-used' },
  'change-password': { url: '/hub/change-password', as: 'ada' },
  'reset-password': { url: '/hub/reset-password', as: 'root' },
  'reset-password-link': { url: '/hub/reset-password-link', as: 'root' },
  authorize: { url: '/hub/authorize', as: 'root' },
  consent: { url: '/hub/consent', as: 'ada' },
  invitation: { url: '/hub/invitation', as: 'ada' },
  'rest-api': {
    url: '/hub/api/docs',
    // What is closed is looked at by no axe; all of it at once takes axe minutes.
    act: page => page.evaluate(OPEN_SOME),
  },
  'home-stopped': { url: '/hub/home', as: 'ada' },
  'home-running': {
    url: '/hub/home',
    as: 'ada',
    set: ({ servers }) => {
      servers.set(ada, ready(), { lastActivity: ago(720) })
      servers.set({ user: 'ada', server: 'statistics-course' }, { phase: 'stopped' }, { lastActivity: ago(190_000) })
      servers.set(
        { user: 'ada', server: 'gpu' },
        { phase: 'spawning', since: ago(41), percent: 37, message: 'Pulling image (312 of 840 MB)' },
        { displayName: 'Deep learning' },
      )
      servers.set({ user: 'ada', server: 'old' }, { phase: 'stopping', since: ago(4) })
      servers.used.set('', used(0.4))
    },
  },
  'home-killed': {
    url: '/hub/home',
    as: 'ada',
    set: ({ servers }) => {
      servers.set(ada, ready())
      const usage = used(0.5)
      servers.used.set('', { ...usage, latest: { ...usage.latest, lastMemoryKillAt: ago(240).toISOString() } })
    },
  },
  'home-near-limit': {
    url: '/hub/home',
    as: 'ada',
    set: ({ servers }) => {
      servers.set(ada, ready())
      servers.used.set('', used(0.95))
    },
  },
  'home-failed': {
    url: '/hub/home',
    as: 'ada',
    set: ({ servers }) => servers.set(ada, { phase: 'failed', since: ago(130), reason: failure }),
  },
  spawn: {
    url: '/hub/spawn',
    as: 'ada',
    set: ({ servers }) => {
      servers.form = {
        html: `<div class="field"><label for="image">Image</label><select id="image" name="image"><option>Small: 2 GB</option><option>Large: 16 GB</option></select></div>
          <fieldset><legend>Interface</legend><div class="check"><input type="radio" id="lab" name="ui" value="lab" checked><label for="lab">JupyterLab</label></div><div class="check"><input type="radio" id="nb" name="ui" value="nb"><label for="nb">Classic notebook</label></div></fieldset>`,
        parse: () => ({}),
      }
    },
  },
  'spawn-profiles': {
    url: '/hub/spawn',
    as: 'ada',
    set: ({ servers }) => {
      servers.form = sampleProfiles('ada')
    },
  },
  'spawn-refused': {
    url: '/hub/spawn?opt-profile=course&opt-course.memory=64',
    as: 'ada',
    set: ({ servers }) => {
      servers.form = sampleProfiles('ada')
      const fields = { memory: 'At most 8 GB.', branch: 'Expected the form [a-z]+' }
      const [message, nextStep] = ['memory: At most 8 GB. (and 1 more)', 'Correct what is marked, and start again.']
      servers.fault = new HubError('profile_refused', { status: 400, message, nextStep, fields })
    },
  },
  'spawn-no-profile': {
    url: '/hub/spawn',
    as: 'ada',
    set: ({ servers }) => {
      servers.form = { html: '', profiles: () => [], parse: () => ({}) }
    },
  },
  pending: {
    url: '/hub/spawn-pending/ada',
    as: 'ada',
    set: ({ servers }) => {
      servers.set(ada, { phase: 'spawning', since: ago(41), percent: 37, message: 'Pulling image (312 of 840 MB)' })
      servers.events = [
        { id: 1, at: ago(41), percent: 0, message: 'Server requested' },
        { id: 2, at: ago(40), percent: 10, message: 'Made the account jupyter-ada' },
        { id: 3, at: ago(38), percent: 37, message: 'Pulling image (312 of 840 MB)' },
      ]
    },
  },
  'pending-slow': {
    url: '/hub/spawn-pending/ada',
    as: 'ada',
    set: ({ servers }) => {
      servers.set(ada, { phase: 'spawning', since: ago(95), percent: 80, message: 'Waiting for the server to answer' })
      servers.events = [
        { id: 1, at: ago(95), percent: 0, message: 'Server requested' },
        { id: 2, at: ago(90), percent: 80, message: 'Waiting for the server to answer' },
      ]
      servers.log = failure.logTail
    },
    act: async page => {
      for (const summary of await page.locator('details.log > summary:visible').all()) await summary.click()
    },
  },
  stopping: {
    url: '/hub/spawn-pending/ada',
    as: 'ada',
    set: ({ servers }) => servers.set(ada, { phase: 'stopping', since: ago(4) }),
  },
  failed: {
    url: '/hub/spawn-pending/ada',
    as: 'ada',
    set: ({ servers }) => servers.set(ada, { phase: 'failed', since: ago(130), reason: failure }),
    act: page => page.click('details.log > summary'),
  },
  stopped: { url: '/hub/user/ada/lab/tree/report.ipynb', as: 'ada' },
  'stopped-culled': {
    url: '/hub/user/ada/lab',
    as: 'ada',
    set: ({ servers }) => {
      const reason = { code: 'culled', message: 'It was stopped because nothing happened on it for 2 hours.' }
      servers.set(ada, { phase: 'stopped', since: ago(3600), reason })
    },
  },
  'delete-server': {
    url: '/hub/delete-server/ada/statistics-course',
    as: 'ada',
    set: ({ servers }) => servers.set({ user: 'ada', server: 'statistics-course' }, { phase: 'stopped' }),
  },
  'tokens-none': { url: '/hub/token', as: 'grace' },
  tokens: {
    url: '/hub/token',
    as: 'ada',
    set: ({ tokens }) => {
      tokens.own = [
        {
          apiId: 'a1',
          note: 'nightly report',
          scopes: ['read:servers!user=ada', 'read:users!user=ada'],
          created: ago(9e5),
          lastActivity: ago(4000),
          expiresAt: ago(-2e6),
        },
        { apiId: 'a2', note: 'from the workshop', scopes: ['inherit'], created: ago(8e6) },
      ]
      tokens.applications = [
        {
          description: 'Server at /user/ada/',
          tokens: [
            {
              apiId: 'a3',
              note: '',
              scopes: ['access:servers!server=ada/', 'read:users:name!user=ada'],
              created: ago(9000),
              lastActivity: ago(50),
            },
          ],
        },
      ]
    },
  },
  'token-new': {
    url: '/hub/token',
    as: 'ada',
    act: async page => {
      await page.evaluate("document.getElementById('request-token-form').submit()") // the form itself, past the script
      await page.waitForSelector('#token-result')
    },
  },
  'admin-not-built': { url: '/hub/admin', as: 'root' },
  'error-403': { url: '/hub/admin', as: 'ada' },
  'error-404': { url: '/hub/nothing', as: 'ada' },
  'error-429': {
    url: '/hub/spawn',
    as: 'ada',
    set: ({ servers }) => {
      servers.fault = new HubError('active_server_limit', {
        status: 429,
        message: 'All 40 places are taken.',
        nextStep: 'Usually one gets free within half an hour. Try again then.',
      })
    },
  },
  'error-500': {
    url: '/hub/spawn',
    as: 'ada',
    set: ({ servers }) => {
      servers.fault = new Error('a fault nobody foresaw')
    },
  },
  'error-503': { url: '/hub/error/503?url=%2Fuser%2Fada%2Flab' },
}

describe('every page', () => {
  let pages: PagesHub
  let browser: Browser
  let api: TestApi
  let origin: string
  const contexts = new Map<string, BrowserContext>()

  before(async () => {
    mkdirSync(FOLDER, { recursive: true })
    const refused = { waiting: 'waiting_for_approval', locked: 'account_locked', 'not-allowed': 'not_allowed' }
    const messages: Record<string, string> = {
      waiting: 'Your account waits for approval.',
      locked: 'Too many wrong passwords. Try again at 14:35.',
      'not-allowed': 'mallory may not sign in here: the name is not on the list of allowed users.',
    }
    api = await testApi()
    const settings = { baseUrl: '/', version: '1', scopes: scopeDefinitions }
    pages = await pagesHub({
      apiDocument: lazyDocument(api.server, settings),
      authenticator: { name: 'own-accounts', login: { kind: 'form', signUp: true }, routes: samplePages },
      signIn: {
        attempt: async ({ form }) => {
          const code = refused[form.password as keyof typeof refused]
          if (code) return { refused: code, message: messages[form.password!]! }
          const user = form.password === PASSWORD && (await pages.deps.users.find(form.username!))
          return user ? { user } : { refused: 'wrong_credentials', message: 'The name or the password is not right.' }
        },
      },
    })
    for (const name of ['ada', 'grace', 'linus'])
      await pages.hub.addUser(name, { groups: name === 'ada' ? ['physics'] : [] })
    await pages.hub.addUser('root', { admin: true })
    await pages.app.listen({ host: '127.0.0.1', port: 0 })
    origin = `http://127.0.0.1:${(pages.app.server.address() as AddressInfo).port}` // a TCP address, as listened on above
    browser = await launchBrowser()
  })
  after(async () => {
    await browser?.close()
    await pages?.close()
    await api?.close()
  })

  async function pageAs(name: string | undefined): Promise<Page> {
    const known = contexts.get(name ?? '')
    if (known) return known.newPage()
    const context = await browser.newContext({ reducedMotion: 'reduce' })
    // The event stream of a start belongs to the API: here it stays silent.
    await context.route('**/api/users/**', () => {})
    contexts.set(name ?? '', context)
    const page = await context.newPage()
    if (name) {
      await page.goto(`${origin}/hub/login?next=/hub/home`)
      await page.fill('#username_input', name)
      await page.fill('#password_input', PASSWORD)
      await page.click('#login_submit')
      await page.waitForURL('**/hub/home')
    }
    return page
  }

  for (const [name, shot] of Object.entries(shots)) {
    it(`${name} can be used by everybody`, async () => {
      for (const server of await pages.servers.list('ada'))
        await pages.servers.remove({ user: 'ada', server: server.name }, { by: 'ada' })
      await pages.servers.remove({ user: 'grace', server: '' }, { by: 'ada' })
      Object.assign(pages.servers, { form: undefined, fault: undefined, events: [], log: '' })
      pages.servers.used.clear()
      Object.assign(pages.tokens, { own: [], applications: [] })
      shot.set?.(pages)
      const page = await pageAs(shot.as)
      const faults: string[] = []
      page.on('pageerror', error => faults.push(String(error)))
      page.on('console', line => {
        // The status of the page itself is told as a failed resource; it is what some shots are about.
        if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) faults.push(line.text())
      })

      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(origin + shot.url, { waitUntil: 'load' })
      await shot.act?.(page)
      const looks = await inEveryLook(page, name, { folder: FOLDER, widths: [1280, 390], fullPage: true })
      await page.close()

      assert.deepEqual([...faults, ...looks.faults], [])
      assert.ok(looks.overflow <= 0, `${looks.overflow} px too wide at 320 px`)
    })
  }
})
