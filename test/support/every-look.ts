import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What is wrong with how a page looks. */
export interface Looks {
  /** Of axe-core (WCAG 2.2 AA), by colour scheme. */
  readonly faults: string[]
  /** Pixels by which it is wider than a screen of 320 px; none when not above 0. */
  readonly overflow: number
}

/**
 * Takes pictures of a page as it stands, `NAME-WIDTH-SCHEME.png` in `folder`: light and dark, in each of the widths. axe-core
 * looks at the last of them.
 */
export async function inEveryLook(
  page: Page,
  name: string,
  { folder, widths, fullPage = false }: { folder: string; widths: readonly number[]; fullPage?: boolean },
): Promise<Looks> {
  const faults: string[] = []
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 })
      await page.screenshot({ path: join(folder, `${name}-${width}-${scheme}.png`), fullPage })
    }
    const axe = new AxeBuilder({ page })
    // Only colours differ in the dark.
    const rules = scheme === 'light' ? axe.withTags(TAGS) : axe.withRules(['color-contrast'])
    const { violations } = await rules.analyze()
    for (const { id, nodes } of violations) {
      faults.push(`${scheme}: ${id}: ${nodes.map(node => `${node.html} ${node.any[0]?.message ?? ''}`).join(' | ')}`)
    }
  }
  await page.setViewportSize({ width: 320, height: 800 })
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  return { faults, overflow }
}
