/** What the pages' scripts add, in Chromium, and that everything also works without them. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { pageTokens } from '../../src/app/hub/page-tokens.ts'
import { silentLogger } from '../../src/core/runtime.ts'
import { tokensApi } from '../../src/features/tokens/api.ts'
import { PASSWORD, type PagesHub, pagesHub } from '../../src/pages/testing.ts'
import { launchBrowser } from '../support/browser.ts'
import { sampleProfiles } from '../support/sample-profiles.ts'

const ada = { user: 'ada', server: '' }
const ready = { phase: 'ready', since: new Date(), url: '/user/ada/' } as const
const spawning = { phase: 'spawning', since: new Date(), percent: 10, message: 'Server requested' } as const

describe('scripts of the pages', () => {
  let pages: PagesHub
  let browser: Browser
  let origin: string
  /** Lines for the event stream of ada's server; `undefined` ends it. */
  let say: (event: object | undefined) => void = () => {}

  before(async () => {
    pages = await pagesHub({
      routes: async (app, { hub, deps }) => {
        const tokens = { database: hub.database, access: hub.access, log: silentLogger, clock: hub.clock }
        Object.assign(deps.tokens, pageTokens(tokens))
        await app.register(tokensApi(tokens))
        app.get('/user/ada/', async (_request, reply) => reply.type('text/html').send('<h1>JupyterLab</h1>'))
        app.get('/hub/api/users/ada/server/progress', (_request, reply) => {
          reply.hijack()
          reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
          reply.raw.write(':\n\n')
          say = event => (event ? reply.raw.write(`data: ${JSON.stringify(event)}\n\n`) : reply.raw.end())
        })
      },
    })
    await pages.hub.addUser('ada')
    await pages.app.listen({ host: '127.0.0.1', port: 0 })
    origin = `http://127.0.0.1:${(pages.app.server.address() as AddressInfo).port}` // a TCP address, as listened on above
    browser = await launchBrowser()
  })
  beforeEach(() => {
    say = () => {}
    pages.servers.asked.length = 0
    pages.servers.set(ada, { phase: 'stopped' })
    pages.servers.form = undefined
  })
  after(async () => {
    await browser?.close()
    await pages?.close()
  })

  async function signedIn(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage()
    await page.goto(`${origin}/hub/login?next=/hub/home`)
    await page.fill('#username_input', 'ada')
    await page.fill('#password_input', PASSWORD)
    await page.click('#login_submit')
    await page.waitForURL('**/hub/home')
    return page
  }

  it('follow a start and go on to the server when it is ready', async () => {
    const page = await signedIn() // to the home page, which must not open a stream of its own
    pages.servers.set(ada, spawning)
    const stream = page.waitForResponse('**/progress?*')
    await page.goto(`${origin}/hub/spawn-pending/ada`)
    await stream

    say({ progress: 55, message: 'Waiting for the server to answer' })
    await page.getByRole('status').getByText('Waiting for the server to answer').waitFor()
    const title = await page.title()
    pages.servers.set(ada, ready)
    say({ progress: 100, message: 'Ready', ready: true })
    await page.waitForURL('**/user/ada/')
    await page.context().close()

    assert.match(title, /^55% · Starting/)
  })

  it('tell of a failed start in place of it', async () => {
    const page = await signedIn() // to the home page, which must not open a stream of its own
    pages.servers.set(ada, spawning)
    const stream = page.waitForResponse('**/progress?*')
    await page.goto(`${origin}/hub/spawn-pending/ada`)
    await stream

    const reason = { code: 'start_timeout', message: 'The server did not answer within 60 seconds.' }
    pages.servers.set(ada, { phase: 'failed', since: new Date(), reason })
    say({ progress: 100, message: 'Spawn failed', failed: true })

    await page.getByText(reason.message).waitFor()
    await page.context().close()
  })

  it('say on the button that the start is under way, and nothing of it when one comes back', async () => {
    const page = await signedIn()
    await page.route('**/hub/spawn/ada', route => route.fulfill({ status: 204 })) // which leaves the page as it is
    const asked = page.waitForResponse('**/hub/spawn/ada')
    const start = page.locator('#start')
    await start.click()
    await asked

    const meanwhile = [await start.textContent(), await start.getAttribute('aria-disabled')]
    await page.evaluate("dispatchEvent(new Event('pageshow'))")
    const back = [await start.textContent(), await start.getAttribute('aria-disabled')]
    await page.context().close()

    assert.deepEqual(
      [meanwhile, back],
      [
        ['Starting…', 'true'],
        ['Start', null],
      ],
    )
  })

  it('stop a server from the home page without leaving it', async () => {
    pages.servers.set(ada, ready)
    const page = await signedIn()
    await page.evaluate('window.samePage = true')

    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('link', { name: 'Start' }).waitFor()

    assert.equal(await page.evaluate('window.samePage'), true)
    await page.context().close()
    assert.deepEqual(pages.servers.asked, ['stop ada/ by ada'])
  })

  it('show a start that was begun elsewhere when one comes back to the page', async () => {
    const page = await signedIn()
    pages.servers.set(ada, spawning)

    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    await page.getByText('Server requested').waitFor()
    await page.context().close()
  })

  it('make and revoke tokens by the REST API', async () => {
    const page = await signedIn()
    await page.goto(`${origin}/hub/token`)

    await page.fill('#token-note', 'report')
    await page.fill('#token-scopes', 'read:users!user=ada')
    await page.getByRole('button', { name: 'Make the token' }).click()
    await page.locator('#token-result').waitFor()
    const token = await page.locator('#token-result').textContent()
    await page.getByRole('button', { name: 'Revoke the token report' }).click()
    await page.getByText('You have none yet.').waitFor()
    await page.context().close()

    assert.match(token!, /^[0-9a-f]{32,}$/)
    assert.equal(await pages.hub.access.identifyToken(token!), undefined)
  })

  it('say what the API refused', async () => {
    const page = await signedIn()
    await page.goto(`${origin}/hub/token`)

    await page.fill('#token-scopes', 'admin:users')
    await page.getByRole('button', { name: 'Make the token' }).click()

    await page.getByRole('alert').getByText('admin:users').waitFor()
    await page.context().close()
  })

  for (const javaScriptEnabled of [true, false]) {
    it(`show the fields of the chosen profile alone${javaScriptEnabled ? '' : ', without scripts too'}`, async () => {
      pages.servers.form = sampleProfiles(ada.user)
      const page = await signedIn({ javaScriptEnabled })
      await page.goto(`${origin}/hub/spawn`)
      const memory = page.getByLabel('Memory')

      await memory.fill('3')
      await page.getByRole('radio', { name: 'GPU' }).check()
      await memory.waitFor({ state: 'hidden' })
      await page.getByRole('radio', { name: 'Course' }).check()
      await page.getByLabel('Keep logs').uncheck()
      await page.getByRole('button', { name: 'Start' }).click()
      await page.getByRole('heading', { name: 'Starting your server' }).waitFor()
      await page.context().close()

      const options = { profile: 'course', software: 'python', memory: '3', branch: 'main', logs: 'off' }
      assert.deepEqual(pages.servers.asked, [`start ada/ by ada ${JSON.stringify(options)}`])
    })
  }

  it('remember light or dark', async () => {
    const page = await signedIn({ colorScheme: 'light' })
    const scheme = 'getComputedStyle(document.documentElement).colorScheme'

    await page.getByRole('button', { name: 'Dark appearance' }).click()
    await page.goto(`${origin}/hub/token`)

    assert.equal(await page.evaluate(scheme), 'dark')
    assert.equal(await page.getByRole('button', { name: 'Dark appearance' }).getAttribute('aria-pressed'), 'true')
    await page.context().close()
  })

  it('are not needed: sign in, start, wait, stop', async () => {
    const page = await signedIn({ javaScriptEnabled: false })

    await page.getByRole('link', { name: 'Start' }).click()
    await page.getByRole('heading', { name: 'Starting your server' }).waitFor()
    pages.servers.set(ada, ready)
    await page.waitForURL('**/user/ada/') // the page refreshes itself
    await page.goto(`${origin}/hub/home`)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('link', { name: 'Start' }).waitFor()
    await page.context().close()

    assert.deepEqual(pages.servers.asked, ['start ada/ by ada null', 'stop ada/ by ada'])
  })
})
