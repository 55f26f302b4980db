/** Logs of servers in a browser: on the page of a failed start, on a page of their own, and on the admin page. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { ENDS_EARLY } from '../../src/plugin/fake-spawner.ts'
import { type AdminHub, adminHub } from '../support/admin-hub.ts'
import { launchBrowser } from '../support/browser.ts'
import { inEveryLook } from '../support/every-look.ts'

const folder = join(import.meta.dirname, '../../test-results/server-log')
const widths = [1280, 390]
const token = '0f'.repeat(16)

describe('the log of a server in a browser', () => {
  let hub: AdminHub
  let browser: Browser
  let context: BrowserContext
  let page: Page
  before(async () => {
    mkdirSync(folder, { recursive: true })
    hub = await adminHub()
    browser = await launchBrowser()
    context = await browser.newContext()
    page = await context.newPage()
    await page.goto(`${hub.url}/hub/login?next=%2Fhub%2Fhome`)
    await page.fill('[name=username]', 'root')
    await page.fill('[name=password]', 'any')
    await page.click('#login_submit')
    await hub.spawning.start({ user: 'root', server: '' }, { requestedBy: 'root' })
    await hub.spawning.settled({ user: 'root', server: '' }, 10_000)
  })
  after(async () => {
    await browser?.close()
    await hub?.[Symbol.asyncDispose]()
  })

  function print(line: string): void {
    for (const server of hub.world.servers.values()) server.log += `\n${line}`
  }

  it('grows on a page of its own, waits while it is paused, and can be read by everybody', async () => {
    await page.goto(`${hub.url}/hub/server-log/root`)
    const log = page.getByRole('log', { name: 'Log of the server' })
    await log.getByText('listening on').waitFor()

    print(`one token=${token}`)
    await log.getByText('one token=[hidden]').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    print('two')
    await page.getByText('Paused; there is more.').waitFor()
    assert.doesNotMatch((await log.textContent()) ?? '', /two/)
    await page.getByRole('button', { name: 'Pause' }).click()
    await log.getByText('two').waitFor()

    assert.deepEqual(await inEveryLook(page, 'page', { folder, widths }), { faults: [], overflow: 0 })
  })

  it('grows in a dialog of the admin page', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.goto(`${hub.url}/hub/admin/servers`)
    await page.getByRole('button', { name: /^Log of/ }).click()
    const log = page.getByRole('log')
    await log.getByText('listening on').waitFor()
    print('three')
    await log.getByText('three').waitFor()

    assert.deepEqual(await inEveryLook(page, 'admin', { folder, widths }), { faults: [], overflow: 0 })
  })

  it('stands on the page of a start that failed, with a step for administrators', async () => {
    await using failing = await adminHub({ settings: { command: [ENDS_EARLY] } })
    const key = { user: 'root', server: '' }
    await failing.spawning.start(key, { requestedBy: 'root' })
    await failing.spawning.settled(key, 10_000)
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.goto(`${failing.url}/hub/login?next=%2Fhub%2Fspawn-pending%2Froot`)
    await page.fill('[name=username]', 'root')
    await page.fill('[name=password]', 'any')
    await page.click('#login_submit')

    await page.getByText('failing on purpose').waitFor()
    await page.getByText('For administrators:').waitFor()
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText(/Copied\.|copy it by hand/).waitFor()

    assert.deepEqual(await inEveryLook(page, 'failed', { folder, widths }), { faults: [], overflow: 0 })
  })
})
