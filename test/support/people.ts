/** What people do on the hub's pages. */
import type { Page } from 'playwright-core'
import { screenshot } from './browser.ts'

export async function signIn(page: Page, url: string, name: string, password: string): Promise<void> {
  await page.goto(`${url}/hub/login?next=/hub/home`)
  await page.locator('input[name=username]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await Promise.all([page.waitForNavigation(), page.locator('main form button.button-primary').first().click()])
}

export async function signOut(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/hub/logout`)
}

/** Presses Start on the home page and follows the pending page until the server itself is shown. */
export async function startServerFromHome(page: Page, url: string, options: { shots?: string } = {}): Promise<void> {
  await page.goto(`${url}/hub/home`)
  await page
    .getByRole('button', { name: /^start/i })
    .or(page.getByRole('link', { name: /^start/i }))
    .first()
    .click()
  if (options.shots) {
    // A start may be quicker than its page.
    await page.waitForURL(/spawn-pending|\/user\/[^/]+\//)
    await screenshot(page, options.shots)
  }
  await page.waitForURL(/\/user\/[^/]+\//, { timeout: 120_000 })
}

export async function stopServerFromHome(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/hub/home`)
  await page.getByRole('button', { name: /^stop/i }).first().click()
  await page
    .getByRole('button', { name: /^start/i })
    .or(page.getByRole('link', { name: /^start/i }))
    .first()
    .waitFor({ timeout: 60_000 })
}

/** What a page says, without its head and its menus. */
export async function mainText(page: Page): Promise<string> {
  return (await page.locator('main').textContent()) ?? ''
}
