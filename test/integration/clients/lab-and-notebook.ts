/** JupyterLab and Notebook 7 as `jupyterhub-singleuser` serves them, in Chromium. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { newPage } from '../../support/browser.ts'
import { openNotebook, runCell, waitForLab, waitForOutput } from '../../support/lab.ts'
import { personWithServer } from '../../support/own-server.ts'
import { signIn } from '../../support/people.ts'
import type { ClientsSite } from './site.ts'

const READY_MS = 60_000

export function labAndNotebook(site: ClientsSite): void {
  describe('JupyterLab and Notebook 7', () => {
    let context: BrowserContext
    let page: Page
    before(async () => {
      await personWithServer(site.url(), 'ada')
      ;({ context, page } = await newPage(site.browser()))
      await signIn(page, site.url(), 'ada', 'any')
    })
    after(async () => {
      await context?.close()
    })

    it('run cells in JupyterLab', async () => {
      await page.goto(`${site.url()}/user/ada/lab`)
      await waitForLab(page)
      await openNotebook(page)
      await runCell(page, 'print(6 * 7 * 1000)')
      await waitForOutput(page, '42000')
    })

    it('run cells in Notebook 7', async () => {
      await page.goto(`${site.url()}/user/ada/tree`)
      const opened = context.waitForEvent('page', { timeout: READY_MS })
      await menu(page, 'File', 'New', 'Notebook')
      const notebook = await opened
      await notebook.waitForURL(/\/user\/ada\/notebooks\//)
      await notebook.locator('.jp-Dialog button.jp-mod-accept').click({ timeout: READY_MS })
      await runCell(notebook, 'print(6 * 7 * 1001)')
      await waitForOutput(notebook, '42042')
      await notebook.close()
    })

    for (const place of ['tree', 'lab']) {
      it(`lead from ${place} to the hub's home and out of it`, async () => {
        await page.goto(`${site.url()}/user/ada/${place}`)
        const home = context.waitForEvent('page')
        await menu(page, 'File', 'Hub Control Panel')
        await (await home).waitForURL(`${site.url()}/hub/home`)
        await (await home).close()

        await menu(page, 'File', 'Log Out')
        await page.waitForURL(/\/hub\/(login|logout)/)
        const answer = await page.request.get(`${site.url()}/user/ada/api/contents`)
        assert.equal(answer.status(), 403, 'the session at the server has ended as well')
        await signIn(page, site.url(), 'ada', 'any')
      })
    }
  })
}

/** Chooses an entry of the menu bar, through its submenus. */
async function menu(page: Page, bar: string, ...entries: string[]): Promise<void> {
  await page.locator('.lm-MenuBar-item', { hasText: bar }).first().click({ timeout: READY_MS })
  for (const entry of entries) {
    const item = page.locator('.lm-Menu-item', { has: page.getByText(entry, { exact: true }) })
    await item.last().click({ timeout: READY_MS })
  }
}
