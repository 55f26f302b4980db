import type { Page } from 'playwright-core'
import { until } from './until.ts'

const LAB_READY_MS = 120_000

/** Waits until JupyterLab's launcher or an open document can be used. */
export async function waitForLab(page: Page): Promise<void> {
  await page.locator('#jp-main-dock-panel').waitFor({ timeout: LAB_READY_MS })
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached', timeout: LAB_READY_MS })
}

/** Opens a new Python notebook from the launcher and waits until its kernel is idle. */
export async function openNotebook(page: Page): Promise<void> {
  await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click({ timeout: LAB_READY_MS })
  await page.locator('.jp-Notebook').waitFor({ timeout: LAB_READY_MS })
  await kernelIdle(page)
}

/** The status bar tells what the kernel itself said last; the indicator in the toolbar starts out as idle. */
export async function kernelIdle(page: Page): Promise<void> {
  await page.locator('#jp-main-statusbar', { hasText: '| Idle' }).waitFor({ timeout: LAB_READY_MS })
}

/** Types code into the last cell and runs it; does not wait for the output. */
export async function runCell(page: Page, code: string): Promise<void> {
  const cells = page.locator('.jp-Notebook .jp-CodeCell')
  const before = await cells.count()
  const cell = cells.nth(before - 1)
  const editor = cell.locator('.cm-content')
  await editor.click()
  await editor.fill(code)
  // JupyterLab forgets a cell that is run while it reconnects to the kernel: then its number stays empty.
  await until(
    'the kernel takes the cell',
    async () => {
      await editor.click()
      await page.keyboard.press('Shift+Enter')
      return until(
        'its number',
        async () => /\[[*\d]+\]/.test((await cell.locator('.jp-InputPrompt').textContent()) ?? ''),
        5_000,
      )
    },
    LAB_READY_MS,
  )
  await cells.nth(before).waitFor({ timeout: LAB_READY_MS })
}

/** Waits for a text in the outputs of the notebook. */
export async function waitForOutput(page: Page, text: string, timeoutMs = LAB_READY_MS): Promise<void> {
  await page.locator('.jp-OutputArea-output', { hasText: text }).first().waitFor({ timeout: timeoutMs })
}

/** Opens a terminal from the launcher, types a command and presses Enter; the caller looks for what the command did. */
export async function runInTerminal(page: Page, command: string): Promise<void> {
  await page
    .locator('.jp-LauncherCard[data-category="Other"]', { hasText: 'Terminal' })
    .click({ timeout: LAB_READY_MS })
  const screen = page.locator('.jp-Terminal .xterm-screen')
  await screen.waitFor({ timeout: LAB_READY_MS })
  await screen.click()
  await page.keyboard.type(`${command}\n`)
}
