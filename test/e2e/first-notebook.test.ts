/** The main job, as a newcomer does it: the printed link, the first account, Start, a cell, a terminal, Stop, log out. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, newPage, screenshot } from '../support/browser.ts'
import { openNotebook, runCell, runInTerminal, waitForLab, waitForOutput } from '../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { mainText, signIn, signOut, startServerFromHome, stopServerFromHome } from '../support/people.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const PASSWORD = 'a planet on two thin orbits'

describe('a new hub', () => {
  let orrery: OrreryProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page

  before(async () => {
    browser = await launchBrowser()
    orrery = await startOrrery({ config: { servers: { cmd: singleUserCommand() } } })
    ;({ context, page } = await newPage(browser))
  })
  after(async () => {
    await context?.close()
    await browser?.close()
    await orrery?.stop()
  })

  it('makes the first administrator by the link that the terminal printed', async () => {
    assert.ok(orrery.firstAdminLink, orrery.output())
    await page.goto(orrery.firstAdminLink)
    await screenshot(page, 'first-admin')
    await page.locator('input[name=username]').fill('ada')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('input[name=password_confirm]').fill(PASSWORD)
    await page.locator('main form button.button-primary').click()
    await page.waitForURL(/\/hub\/(home|spawn)/)
    await page.goto(`${orrery.url}/hub/home`)
    await screenshot(page, 'home')
  })

  it('lets nobody use that link again', async () => {
    const again = await newPage(browser)
    const answer = await again.page.goto(orrery.firstAdminLink!)
    assert.ok(answer!.status() >= 400, `status ${answer!.status()}`)
    assert.equal(await again.page.locator('input[name=password]').count(), 0)
    await again.context.close()
  })

  it('starts JupyterLab and shows how far it is', async () => {
    await startServerFromHome(page, orrery.url, { shots: 'pending' })
    await page.goto(`${orrery.url}/user/ada/lab/workspaces/first?reset`)
    await waitForLab(page)
  })

  it('runs a notebook cell', async () => {
    await openNotebook(page)
    await runCell(page, 'print(6 * 7 * 1000)')
    await waitForOutput(page, '42000')
    await screenshot(page, 'cell')
  })

  it('runs a command in a terminal', async () => {
    await page.goto(`${orrery.url}/user/ada/lab/workspaces/second?reset`)
    await waitForLab(page)
    await runInTerminal(page, 'echo $((6 * 7)) > made-in-terminal.txt')
    const content = await until('the file exists', async () => {
      const answer = await page.request.get(`${orrery.url}/user/ada/api/contents/made-in-terminal.txt`)
      return answer.ok() && ((await answer.json()) as { content: string }).content
    })
    assert.equal(content, '42\n')
  })

  it('stops the server', async () => {
    await stopServerFromHome(page, orrery.url)
    const answer = await page.request.get(`${orrery.url}/user/ada/api/status`)
    assert.equal(answer.status(), 424)
  })

  it('signs out, and the session is over', async () => {
    await signOut(page, orrery.url)
    await page.goto(`${orrery.url}/hub/home`)
    assert.match(page.url(), /\/hub\/login/)
  })

  it('keeps a new account waiting until the administrator approves it', async () => {
    const bea = await newPage(browser, { width: 390, height: 844 })
    await bea.page.goto(`${orrery.url}/hub/signup`)
    await bea.page.locator('input[name=username]').fill('bea')
    await bea.page.locator('input[name=password]').fill(PASSWORD)
    await bea.page.locator('input[name=password_confirm]').fill(PASSWORD)
    await screenshot(bea.page, 'signup-phone')
    await bea.page.locator('main form button.button-primary').click()
    await bea.page.getByRole('heading', { name: /waits for approval/i }).waitFor()

    await signIn(bea.page, orrery.url, 'bea', 'not her password')
    const wrong = await mainText(bea.page)
    assert.doesNotMatch(wrong, /approv/i, 'only the right password may learn that the account waits')
    await signIn(bea.page, orrery.url, 'bea', PASSWORD)
    assert.match(await mainText(bea.page), /approv/i)
    await screenshot(bea.page, 'waiting-phone')

    await signIn(page, orrery.url, 'ada', PASSWORD)
    await page.goto(`${orrery.url}/hub/authorize`)
    await screenshot(page, 'authorize')
    await page
      .locator('form', { hasText: 'bea' })
      .or(page.locator('tr', { hasText: 'bea' }))
      .getByRole('button', { name: /approve/i })
      .first()
      .click()

    await signIn(bea.page, orrery.url, 'bea', PASSWORD)
    await bea.page.waitForURL(/\/hub\/(home|spawn)|\/user\/bea/)
    await screenshot(bea.page, 'home-phone')
    await bea.context.close()
  })
})
