/** Linux accounts by PAM: the server runs as the person who signed in, in their home. Needs root and the testbed's users. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, newPage, screenshot } from '../support/browser.ts'
import { openNotebook, runCell, waitForLab, waitForOutput } from '../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { mainText, signIn, startServerFromHome, stopServerFromHome } from '../support/people.ts'
import { singleUserCommand } from '../support/python-env.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root: run `sudo npm run test:e2e`'

describe('sign-in by PAM', { skip }, () => {
  let orrery: OrreryProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page

  before(async () => {
    execFileSync(`${import.meta.dirname}/../testbed/users.sh`, ['up'], { stdio: 'ignore' })
    browser = await launchBrowser()
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'pam', service: 'orrery-test' },
        access: { allowedUsers: ['alice', 'erik', 'fred'] },
        servers: { cmd: singleUserCommand() },
      },
    })
    ;({ context, page } = await newPage(browser))
  })
  after(async () => {
    await context?.close()
    await browser?.close()
    await orrery?.stop()
    execFileSync(`${import.meta.dirname}/../testbed/users.sh`, ['down'], { stdio: 'ignore' })
  })

  it('refuses a wrong password', async () => {
    await signIn(page, orrery.url, 'alice', 'wrong')
    assert.match(page.url(), /\/hub\/login/)
    await screenshot(page, 'pam-wrong')
  })

  it('tells bob, whose password is right, that nobody allowed him', async () => {
    await signIn(page, orrery.url, 'bob', 'bob-pw')
    assert.match(await mainText(page), /allow/i)
  })

  it('refuses an expired account in the account phase', async () => {
    await signIn(page, orrery.url, 'erik', 'erik-pw')
    assert.match(await mainText(page), /expired/i)
  })

  it('runs the server as the Linux user', async () => {
    await signIn(page, orrery.url, 'alice', 'alice-pw')
    await startServerFromHome(page, orrery.url)
    await page.goto(`${orrery.url}/user/alice/lab/workspaces/pam?reset`)
    await waitForLab(page)
    await openNotebook(page)
    await runCell(
      page,
      "import os, pwd, grp; print(pwd.getpwuid(os.getuid()).pw_name, os.path.expanduser('~'), os.getuid() != 0)",
    )
    await waitForOutput(page, 'alice /home/alice True')
    await stopServerFromHome(page, orrery.url)
  })
})
