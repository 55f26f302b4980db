/** `kill -9` of any part while a cell runs: nothing is lost. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, newPage, screenshot } from '../support/browser.ts'
import { kernelIdle, openNotebook, runCell, waitForLab, waitForOutput } from '../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { signIn, startServerFromHome, stopServerFromHome } from '../support/people.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const TICKS = `import time
for tick in range(40):
    print(f'tick {tick} of 40', flush=True)
    time.sleep(0.25)
`

describe('a running notebook', () => {
  let orrery: OrreryProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page

  before(async () => {
    browser = await launchBrowser()
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand() },
      },
    })
    ;({ context, page } = await newPage(browser))
    await signIn(page, orrery.url, 'kit', 'any')
    await startServerFromHome(page, orrery.url)
    await page.goto(`${orrery.url}/user/kit/lab/workspaces/survives?reset`)
    await waitForLab(page)
    await openNotebook(page)
    await runCell(page, 'planet = 41')
  })
  after(async () => {
    await context?.close()
    await browser?.close()
    await orrery?.stop()
  })

  it('goes on while the hub is killed, and its successor knows the session, the server and its state', async () => {
    await runCell(page, TICKS)
    await waitForOutput(page, 'tick 1 of 40')
    await orrery.killPart('hub')
    await waitForOutput(page, 'tick 39 of 40')

    const home = await context.newPage()
    await home.goto(`${orrery.url}/hub/home`)
    assert.match(home.url(), /\/hub\/home/, 'still signed in')
    await home.getByRole('button', { name: /^stop/i }).first().waitFor()
    await screenshot(home, 'home-after-hub-kill')
    await home.close()
  })

  it('keeps its kernel and its result when the proxy is killed', async () => {
    await runCell(page, TICKS.replaceAll('40', '30').replace("f'tick", "f'tock"))
    await waitForOutput(page, 'tock 1 of 30')
    await orrery.killPart('proxy')
    await kernelIdle(page)
    await until(
      'the kernel is reached again and knows its variables',
      async () => {
        await runCell(page, "print('planet', planet + 1)")
        return waitForOutput(page, 'planet 42', 10_000).then(() => true)
      },
      90_000,
    )
  })

  it('is found again by a new launcher', async () => {
    await orrery.killPart('launcher')
    const answer = await page.request.get(`${orrery.url}/user/kit/api/status`)
    assert.equal(answer.status(), 200)

    const home = await context.newPage()
    await stopServerFromHome(home, orrery.url)
    await startServerFromHome(home, orrery.url)
    await home.close()
  })

  it('finishes a start during which the hub was killed', async () => {
    const lou = await newPage(browser)
    await signIn(lou.page, orrery.url, 'lou', 'any')
    await lou.page.goto(`${orrery.url}/hub/home`)
    await lou.page
      .getByRole('button', { name: /^start/i })
      .or(lou.page.getByRole('link', { name: /^start/i }))
      .first()
      .click()
    await lou.page.waitForURL(/spawn-pending|\/user\/lou\//)
    await orrery.killPart('hub')
    await lou.page.goto(`${orrery.url}/hub/spawn/lou`)
    await lou.page.waitForURL(/\/user\/lou\//, { timeout: 120_000 })
    await waitForLab(lou.page)
    await lou.context.close()
  })
})
