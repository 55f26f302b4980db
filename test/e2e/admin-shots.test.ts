/**
 * The admin page in its states: wide and 390 px, light and dark, as pictures in `test-results/admin`; free of faults
 * that axe-core finds (WCAG 2.2 AA); never wider than a 320 px screen.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { Database } from '../../src/db/database.ts'
import { addMachineSample } from '../../src/features/usage/machine-samples.ts'
import { type AdminHub, addManyUsers, adminHub } from '../support/admin-hub.ts'
import { launchBrowser } from '../support/browser.ts'
import { inEveryLook } from '../support/every-look.ts'

const FOLDER = join(import.meta.dirname, '../../test-results/admin')

interface Shot {
  /** Below `/hub/admin`. */
  at: string
  /** Seen when the page is ready. */
  shows: string
  act?: (page: Page, hub: AdminHub) => Promise<unknown>
}

const selectPage = (page: Page) => page.getByRole('checkbox', { name: 'Select all on this page' }).check()

const shots: Record<string, Shot> = {
  users: { at: '', shows: '1 to 50 of 50,001' },
  'users-filtered': { at: '?search=0000&state=active&sort=-last_activity', shows: '1 to 2 of 2' },
  'users-none': { at: '?search=nobody-has-this-name', shows: 'Nobody matches these filters.' },
  'users-selected': {
    at: '?search=0000',
    shows: '1 to 14 of 14',
    act: async page => {
      await selectPage(page)
      await page.getByText('14 selected').waitFor()
      // What the bar covers half is no target; below the table it covers nothing.
      await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')
    },
  },
  user: { at: '?search=0000&user=user00005', shows: 'Default server' },
  'add-users': { at: '?search=0000&dialog=add', shows: 'They are administrators' },
  'stop-preview': {
    at: '?search=0000',
    shows: '1 to 14 of 14',
    act: async page => {
      await selectPage(page)
      await page.getByRole('button', { name: 'Stop …' }).click()
      await page.getByText('Will be stopped').waitFor()
    },
  },
  'delete-preview': { at: '?search=0000&dialog=delete&on=user00005', shows: 'Named servers that go' },
  'partial-failure': {
    at: '?search=user00007&dialog=start&on=user00007',
    shows: 'Start 1 server?',
    act: async page => {
      await page.getByRole('button', { name: 'Start 1 server' }).click()
      await page.getByRole('list', { name: 'What failed' }).waitFor()
    },
  },
  toast: {
    at: '?search=user00008&user=user00008',
    shows: 'Default server',
    act: async page => {
      await page.getByRole('button', { name: /^(Make|Remove) admin$/ }).click()
      await page.getByRole('button', { name: 'Undo' }).waitFor()
    },
  },
  servers: { at: '/servers', shows: 'Nearly used up' },
  'machine-new': { at: '/machine', shows: 'The last day is not known yet.' },
  machine: {
    at: '/machine',
    shows: 'The last day is not known yet.',
    act: async (page, { database }) => {
      await writeDay(database)
      await page.reload()
      await page.getByText('As a table').first().click()
      await page.getByRole('rowheader').nth(20).waitFor()
    },
  },
  groups: { at: '/groups', shows: '1,250 users' },
  group: { at: '/groups?open=physics', shows: 'All 1,250 members' },
  tokens: { at: '/tokens', shows: 'Server at /user/user00005/' },
  health: { at: '/health', shows: 'There is no /nowhere/start-server' },
  services: { at: '/services', shows: 'announcements' },
  roles: {
    at: '/roles',
    shows: '50,001 users',
    act: page => page.locator('summary').first().click(),
  },
}

/** A busy afternoon, an hour of which nothing is known, and a night. */
async function writeDay(database: Database): Promise<void> {
  const now = Date.now()
  for (let minute = 24 * 60; minute >= 0; minute -= 5) {
    if (minute > 600 && minute < 660) continue
    const share = Math.max(0.05, Math.sin(minute / 300)) * 0.9
    const machine = { processors: 2, cpu: share * 2, memoryBytes: 8e9 * share, memoryTotalBytes: 8e9, load: share * 3 }
    await addMachineSample(database, new Date(now - minute * 60_000), machine, Math.round(share * 40))
  }
}

const clock = { ms: Date.now() - 300_000, now: () => new Date(clock.ms) }

/** Five minutes of looks, the second server near its limit. */
async function useMemory(hub: AdminHub): Promise<void> {
  const lastMemoryKillAt = new Date().toISOString()
  for (let look = 0; look < 30; look++) {
    clock.ms += 10_000
    const usage = (share: number) => ({
      memoryBytes: 2 ** 30 * (share + look / 500),
      memoryLimitBytes: 2 ** 30,
      cpuSeconds: look * 10 * share + 5 * Math.sin(look),
      cpuLimit: 2,
    })
    hub.world.used.set('user00003/', { ...usage(0.3), memoryKills: 2, lastMemoryKillAt })
    hub.world.used.set('user00005/', usage(0.92))
    hub.world.used.set('user00005/gpu', { memoryBytes: 3 * 2 ** 30, cpuSeconds: look * 15 })
    await hub.usage.all()
  }
}

describe('every state of the admin page', () => {
  let hub: AdminHub
  let browser: Browser
  let page: Page
  let faults: string[] = []

  before(async () => {
    mkdirSync(FOLDER, { recursive: true })
    hub = await adminHub({
      usageClock: clock,
      steps: {
        async beforeStart({ user }) {
          if (user.name === 'user00007') throw new Error('The disk of the node is full.')
        },
      },
    })
    await addManyUsers(hub.database, 50_000)
    await hub.database.db
      .insertInto('services')
      .values({
        name: 'announcements',
        admin: false,
        url: 'http://127.0.0.1:9',
        info: '{"contact": "ops"}',
        display: true,
        oauth_no_confirm: false,
        timeout: 300,
        from_config: true,
      } as never)
      .execute()
    for (const [user, server] of [
      ['user00003', ''],
      ['user00005', ''],
      ['user00005', 'gpu'],
    ] as const) {
      await hub.spawning.start({ user, server }, { requestedBy: user })
      await hub.spawning.settled({ user, server }, 10_000)
    }
    await useMemory(hub)
    browser = await launchBrowser()
    page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
    page.on('pageerror', error => faults.push(String(error)))
    page.on('console', line => {
      // A refused request is told as a failed resource; it is what one of the shots is about.
      if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) faults.push(line.text())
    })
    await page.goto(`${hub.url}/hub/login?next=/hub/home`)
    await page.fill('#username_input', 'root')
    await page.fill('#password_input', 'any')
    await page.click('#login_submit')
    await page.waitForURL('**/hub/home')
  })
  after(async () => {
    await browser?.close()
    await hub?.[Symbol.asyncDispose]()
  })

  for (const [name, shot] of Object.entries(shots)) {
    it(`${name} can be used by everybody`, async () => {
      faults = []
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(`${hub.url}/hub/admin${shot.at}`)
      await page.getByText(shot.shows).first().waitFor()
      await shot.act?.(page, hub)
      const looks = await inEveryLook(page, name, { folder: FOLDER, widths: [390, 1280] })

      assert.deepEqual([...faults, ...looks.faults], [])
      assert.ok(looks.overflow <= 0, `${looks.overflow} px too wide at 320 px`)
    })
  }
})
