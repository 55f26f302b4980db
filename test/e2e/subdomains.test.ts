/** A site with subdomains in a browser: JupyterLab and a service on hosts of their own, and what keeps them apart. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, newPage, screenshot } from '../support/browser.ts'
import { freePorts } from '../support/free-ports.ts'
import { openNotebook, runCell, waitForLab, waitForOutput } from '../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { referencePython, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

describe('a site with subdomains', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-subdomains-'))
  let orrery: OrreryProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let port: number
  /** `http://ada.hub.localhost:8000`; browsers find everything below localhost on this machine. */
  const at = (name = '') => `http://${name === '' ? '' : `${name}.`}hub.localhost:${port}`

  before(async () => {
    const [servicePort] = await freePorts(1)
    // Where the hub's user can read it, whoever owns the clone.
    const program = join(folder, 'whoami.py')
    copyFileSync(join(import.meta.dirname, '../support/hub_oauth_service.py'), program)
    chmodSync(folder, 0o755)
    chmodSync(program, 0o644)
    browser = await launchBrowser()
    orrery = await startOrrery({
      config: given => {
        port = given
        return {
          subdomainHost: `http://hub.localhost:${given}`,
          authenticator: { kind: 'dummy' },
          access: { allowAll: true },
          servers: { cmd: singleUserCommand() },
          services: [
            {
              name: 'whoami',
              url: `http://127.0.0.1:${servicePort}`,
              command: [referencePython(), program],
              environment: { SERVICE_PORT: String(servicePort) },
            },
          ],
          roles: [{ name: 'user', scopes: ['self', 'access:services!service=whoami'] }],
        }
      },
    })
    ;({ context, page } = await newPage(browser))
  })
  after(async () => {
    await context?.close()
    await browser?.close()
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('signs people in at the hub, also those who come by the host of their server', async () => {
    await page.goto(`${at('ada')}/user/ada/lab`)
    assert.equal(new URL(page.url()).origin, at())
    await page.locator('input[name=username]').fill('ada')
    await page.locator('input[name=password]').fill('any')
    await page.locator('main form button.button-primary').click()
    await page.locator('#start').waitFor()
    assert.equal(new URL(page.url()).origin, at())
  })

  it('leads to JupyterLab on the host of the user, and runs a cell there', async () => {
    await page.locator('#start').click()
    await page.waitForURL(url => url.href.startsWith(`${at('ada')}/user/ada/lab`), { timeout: 180_000 })
    await page.goto(`${at('ada')}/user/ada/lab/workspaces/first?reset`)
    await waitForLab(page)
    await openNotebook(page)
    await runCell(page, 'print(6 * 7 * 1000)')
    await waitForOutput(page, '42000')
    await screenshot(page, 'subdomain-lab')
  })

  it('keeps the login from pages of servers, and the hub from their scripts', async () => {
    const cookies = await context.cookies()
    const domainOf = (name: string) => cookies.find(cookie => cookie.name === name)?.domain
    assert.equal(domainOf('jupyterhub-hub-login'), 'hub.localhost')
    assert.equal(domainOf('jupyterhub-session-id'), '.hub.localhost')
    const seen = await page.evaluate(async hub => {
      const ask = (url: string) =>
        fetch(url, { credentials: 'include' }).then(
          answer => answer.status,
          () => 'refused',
        )
      return [await ask(`${hub}/hub/api/user`), await ask(`${hub}/hub/home`), await ask('/hub/api/user')]
    }, at())
    assert.deepEqual(seen, ['refused', 'refused', 403])
  })

  it('opens a service on its own host, from the menu of the hub', async () => {
    await page.goto(`${at()}/hub/home`)
    const link = page.getByRole('link', { name: 'whoami', includeHidden: true })
    assert.equal(await link.getAttribute('href'), `${at('whoami--service')}/services/whoami/`)
    // By the browser, which knows names below localhost; Node does not on every machine.
    await until('the service answers', async () => (await page.goto(`${at()}/services/whoami/`))!.status() < 500)
    assert.equal(new URL(page.url()).pathname, '/hub/api/oauth2/authorize')
    await page.locator('main form button.button-primary').click()
    await page.waitForURL(`${at('whoami--service')}/services/whoami/`)
    assert.partialDeepStrictEqual(JSON.parse((await page.locator('body').textContent()) ?? ''), {
      kind: 'user',
      name: 'ada',
    })
  })

  it('keeps servers on their hosts over restarts of hub and proxy', async () => {
    for (const part of ['hub', 'proxy'] as const) {
      await orrery.killPart(part)
      const status = async () => (await page.goto(`${at('ada')}/user/ada/api/status`))?.status()
      await until('the server answers', async () => (await status()) === 200)
    }
  })

  it('signs out of the hub and its servers', async () => {
    await page.goto(`${at('ada')}/user/ada/logout`)
    await page.waitForURL(url => url.href.startsWith(`${at()}/hub/login`))
    await page.goto(`${at('ada')}/user/ada/lab`)
    await page.waitForURL(url => url.href.startsWith(`${at()}/hub/login`))
  })
})
