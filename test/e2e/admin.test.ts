/** The admin page in Chromium, with 50,000 users in the database and servers that are only said to run. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page, Response } from 'playwright-core'
import { HubError } from '../../src/core/errors.ts'
import { putRole } from '../../src/features/roles/store.ts'
import { type AdminHub, addManyUsers, adminHub } from '../support/admin-hub.ts'
import { launchBrowser } from '../support/browser.ts'
import { until } from '../support/until.ts'

const MANY = 50_000
/** Far above what it takes (0.1 to 0.4 s): the machine of the test does other things too. */
const AT_ONCE_MS = 4_000

describe('the admin page with 50,000 users', () => {
  let hub: AdminHub
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const faults: string[] = []
  /** Servers whose start is refused, and why. */
  const refused = new Map<string, string>()
  let gate: Promise<void> | undefined

  before(async () => {
    hub = await adminHub({
      usageEveryMs: 200,
      steps: {
        async beforeStart({ user }) {
          const reason = refused.get(user.name)
          if (reason) throw new HubError('test_refused', { status: 503, message: reason })
          await gate
        },
      },
    })
    await addManyUsers(hub.database, MANY)
    browser = await launchBrowser()
    context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } })
    page = await context.newPage()
    page.on('pageerror', error => faults.push(String(error)))
    page.on('console', line => {
      if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) faults.push(line.text())
    })
    await page.goto(`${hub.url}/hub/login?next=/hub/admin`)
    await page.fill('#username_input', 'root')
    await page.fill('#password_input', 'any')
    await page.click('#login_submit')
    await page.getByText('1 to 50 of 50,001').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
  })
  after(async () => {
    await browser?.close()
    await hub?.[Symbol.asyncDispose]()
  })

  const open = async (query: string) => {
    await page.goto(`${hub.url}/hub/admin${query}`)
    await page.getByRole('navigation', { name: 'Administration' }).waitFor()
    if (/^(\?|$|\/servers)/.test(query)) await page.getByText('Live', { exact: true }).waitFor()
  }
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })
  const names = () => page.locator('tbody th .row-link').allTextContents()
  const start = async (...users: string[]) => {
    for (const user of users) await hub.spawning.start({ user, server: '' }, { requestedBy: user })
    for (const user of users) await hub.spawning.settled({ user, server: '' }, 10_000)
  }
  const phase = async (user: string) => (await hub.spawning.state({ user, server: '' })).phase
  const inDatabase = async (name: string) =>
    hub.database.db.selectFrom('users').select(['name', 'admin']).where('name', '=', name).executeTakeFirst()

  it('finds, sorts and pages at once, keeps it in the address, and goes back', async () => {
    await open('')
    const times: Record<string, number> = {}
    const sizes: number[] = []
    const note = async (answer: Response) => {
      if (!answer.url().includes('/hub/api/users?')) return
      const body = await answer.json().catch(() => undefined) // one that nobody waited for has none
      if (body?.items) sizes.push(body.items.length)
    }
    page.on('response', note)
    const timed = async (what: string, act: () => Promise<unknown>, first: string) => {
      const began = performance.now()
      await act()
      await until(`${what} shows ${first}`, async () => (await names())[0] === first)
      times[what] = performance.now() - began
    }

    await timed('search', () => page.getByRole('searchbox').fill('4321'), 'user04321')
    assert.match(page.url(), /\?search=4321$/)
    await timed('no search', () => page.getByRole('searchbox').fill(''), 'root')
    await timed('sort', () => page.getByRole('button', { name: 'Name' }).click(), 'user50000')
    assert.match(page.url(), /sort=-name/)
    await timed('last page', () => page.getByRole('button', { name: 'Last', exact: true }).click(), 'root')
    await page.getByText('50,001 to 50,001 of 50,001').waitFor()
    await timed('back', () => page.goBack(), 'user50000')
    await timed('group', () => page.getByLabel('Group').selectOption('physics'), 'user49961')
    await page.getByText('1 to 50 of 1,250').waitFor()
    await page.reload()
    await until('the address brings the same page', async () => (await names())[0] === 'user49961')

    page.off('response', note)
    assert.ok(sizes.length >= 4 && Math.max(...sizes) <= 50, `answers of ${sizes} users`)
    for (const [what, ms] of Object.entries(times)) assert.ok(ms < AT_ONCE_MS, `${what} took ${Math.round(ms)} ms`)
  })

  it('shows starts and stops as they happen, in place', async () => {
    await open('?search=user0001')
    const before = await names()
    const state = row('user00015').locator('.state')
    await state.getByText('Stopped').waitFor()

    const held = Promise.withResolvers<void>()
    gate = held.promise
    await row('user00015').getByRole('button', { name: 'Start user00015' }).click()
    await state.getByText('Starting').waitFor()
    held.resolve()
    gate = undefined
    await state.getByText('Running').waitFor()
    await hub.spawning.stop({ user: 'user00015', server: '' }, { by: 'user00015' })
    await state.getByText('Stopped').waitFor()

    assert.deepEqual(await names(), before)
  })

  it('shows what a bulk stop takes down before it does', async () => {
    await start('user00021', 'user00022')
    await open('?search=user0002')
    await page.getByRole('checkbox', { name: 'Select all on this page' }).check()
    await page.getByText('10 selected').waitFor()

    await page.getByRole('button', { name: 'Stop …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Stop 2 servers?' })
    await dialog.waitFor()
    const lost = await dialog.getByRole('listitem').locator('strong').allTextContents()
    assert.deepEqual(lost, ['user00021', 'user00022'])
    assert.equal(await phase('user00021'), 'ready', 'nothing is done before it is confirmed')
    await page.goBack()
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Stop …' }).click()
    await dialog.getByRole('button', { name: 'Stop 2 servers' }).click()
    await page.getByRole('status').getByText('2 servers stopped.').waitFor()
    assert.deepEqual([await phase('user00021'), await phase('user00022')], ['stopped', 'stopped'])
  })

  it('says which of many failed and why, and tries those again', async () => {
    refused.set('user00032', 'There is no room for it.')
    await open('?search=user0003&state=inactive')
    await page.getByRole('checkbox', { name: 'Select user00031' }).check()
    await page.getByRole('checkbox', { name: 'Select user00033' }).click({ modifiers: ['Shift'] })
    await page.getByRole('button', { name: 'Start …' }).click()
    await page.getByRole('button', { name: 'Start 3 servers' }).click()

    const failed = page.getByRole('list', { name: 'What failed' })
    await failed.waitFor()
    assert.match((await failed.textContent())!, /user00032\s+There is no room for it\./)
    assert.equal(await failed.getByRole('listitem').count(), 1)
    await page.getByText('1 selected').waitFor()
    refused.clear()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    assert.equal(await phase('user00032'), 'ready')
    for (const n of [1, 2, 3]) await hub.spawning.stop({ user: `user0003${n}`, server: '' }, { by: 'root' })
  })

  it('adds many users, tells those it could not, and takes it back', async () => {
    await open('')
    await page.getByRole('button', { name: 'Add users' }).click()
    await page.getByLabel('Names').waitFor()
    assert.equal(await page.evaluate('document.activeElement.id'), 'new-names')
    await page.getByLabel('Names').fill('ada\ngrace, user00001\nno/slash')
    await page.getByRole('button', { name: 'Add 4 users' }).click()
    const wrong = page.getByRole('list', { name: 'Not added' })
    await wrong.waitFor()
    assert.match((await wrong.textContent())!, /no\/slash/)
    await page.getByText('user00001: existed already.').waitFor()
    assert.ok(await inDatabase('ada'))
    await page.keyboard.press('Escape')

    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Taken back.').waitFor()

    assert.equal(await inDatabase('ada'), undefined)
    assert.equal(await inDatabase('grace'), undefined)
    assert.ok(await inDatabase('user00001'))
  })

  it('makes administrators, with a way back', async () => {
    await open('?search=user00041&user=user00041')
    await page.getByRole('button', { name: 'Make admin', exact: true }).click()
    await row('user00041').getByText('admin', { exact: true }).waitFor()
    assert.equal((await inDatabase('user00041'))?.admin, true)

    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Taken back.').waitFor()
    assert.equal((await inDatabase('user00041'))?.admin, false)
  })

  it('renames, changes groups and revokes tokens beside the table', async () => {
    await open('?search=user00051&user=user00051')
    const panel = page.getByRole('region', { name: 'user00051' })
    await panel.getByLabel('Add to a group').selectOption('physics')
    await panel.getByRole('button', { name: 'Take user00051 out of physics' }).waitFor()
    await page.request.post(`${hub.url}/hub/api/users/user00051/tokens`, {
      data: { note: 'nightly' },
      headers: { 'x-xsrftoken': (await page.locator('html').getAttribute('data-xsrf'))! },
    })
    await page.reload()
    await panel.getByRole('button', { name: 'Revoke nightly' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The token “nightly” of user00051 was revoked.').waitFor()
    await panel.getByRole('button', { name: 'Revoke nightly' }).waitFor({ state: 'detached' })

    await panel.getByLabel('Name').fill('lovelace')
    await panel.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('region', { name: 'lovelace' }).waitFor()

    assert.match(page.url(), /user=lovelace/)
    assert.ok(await inDatabase('lovelace'))
  })

  it('deletes after the name was typed, and says which servers go with it', async () => {
    await start('user00061')
    await hub.spawning.create({ user: 'user00061', server: 'gpu' }, {})
    await open('?search=user00061&user=user00061')
    await page.getByRole('region', { name: 'user00061' }).getByRole('button', { name: 'Delete …' }).last().click()
    const dialog = page.getByRole('dialog', { name: 'Delete user00061?' })
    await dialog.getByText('Running, will be stopped').waitFor()
    await dialog.getByText('user00061: gpu').waitFor()
    const button = dialog.getByRole('button', { name: 'Delete the user' })

    assert.equal(await button.isDisabled(), true)
    await dialog.getByLabel('Type user00061 to confirm').fill('user00061')
    await button.click()
    await page.getByText('Nobody matches these filters.').waitFor()

    assert.equal(await inDatabase('user00061'), undefined)
    assert.equal(await page.getByRole('region', { name: 'user00061' }).count(), 0)
  })

  it('can be used by keyboard alone', async () => {
    await open('?sort=-name')
    await until('rows', async () => (await names())[0] === 'user50000')
    await page.keyboard.press('/')
    await page.keyboard.type('user0007')
    await until('found', async () => (await names())[0] === 'user00079')
    await page.getByRole('button', { name: 'Name' }).focus()
    // From the head of the column into the table, down two rows, and into the panel of that user.
    await page.keyboard.press('Tab')
    for (let steps = 0; steps < 10 && !(await isFocused('.row-link')); steps++) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const name = await page.evaluate<string>('document.activeElement.textContent')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name }).waitFor()
    assert.equal(await page.evaluate<string>('document.activeElement.textContent'), name, 'the panel has the focus')
    await page.keyboard.press('Escape')
    await page.getByRole('region', { name }).waitFor({ state: 'detached' })

    assert.equal(await page.evaluate<string>('document.activeElement.textContent'), name, 'and gives it back')
    assert.equal((await names())[2], name)

    async function isFocused(selector: string): Promise<boolean> {
      return page.evaluate<boolean>(`document.activeElement.matches('${selector}')`)
    }
  })

  it('looks after groups', async () => {
    await open('/groups')
    await page.getByRole('button', { name: 'Add a group' }).click()
    await page.getByLabel('Name', { exact: true }).fill('night shift')
    await page.getByLabel('Members').fill('user00081 user00082')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('link', { name: 'night shift', exact: true }).click()
    const panel = page.getByRole('region', { name: 'night shift' })
    await panel.getByRole('button', { name: 'Take user00081 out of night shift' }).click()
    await panel.getByRole('heading', { name: 'Members (1)' }).waitFor()

    await panel.getByLabel('Properties as JSON').fill('[1]')
    await panel.getByRole('button', { name: 'Save' }).click()
    await panel.getByText('Properties are a JSON object').waitFor()
    await panel.getByLabel('Properties as JSON').fill('{"room": 7}')
    await panel.getByRole('button', { name: 'Save' }).click()
    await row('night shift').getByText('room').waitFor()
    await panel.getByRole('button', { name: 'Delete the group …' }).click()
    await page.getByLabel('Type night shift to confirm').fill('night shift')
    await page.getByRole('button', { name: 'Delete the group', exact: true }).click()
    await row('night shift').waitFor({ state: 'detached' })

    const left = await hub.database.db.selectFrom('groups').select('name').execute()
    assert.deepEqual(left, [{ name: 'physics' }])
  })

  it('lists all running servers and stops them together', async () => {
    await start('user00091', 'user00092')
    await hub.spawning.start({ user: 'user00093', server: 'gpu' }, { requestedBy: 'user00093' })
    await open('/servers')
    await row('user00093').getByText('Running').waitFor()
    assert.deepEqual(await names(), ['user00091', 'user00092', 'user00093'])

    await page.getByRole('button', { name: 'Stop all 3 …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop 3 servers' }).click()
    await page.getByText('No server runs.').waitFor()

    assert.deepEqual(hub.world.running(), [])
  })

  it('sorts servers by what they use, live, and moves no row that is pointed at', async () => {
    const use = (user: string, megabytes: number) =>
      hub.world.used.set(`${user}/`, { memoryBytes: megabytes * 2 ** 20, cpuSeconds: 0 })
    await start('user00150', 'user00151')
    use('user00150', 100)
    use('user00151', 200)
    hub.usage.start()
    await open('/servers?search=user0015')
    const order = async () => (await names()).filter(name => name.startsWith('user0015'))
    await page.getByRole('button', { name: 'Memory' }).click()
    await until('the greediest first', async () => (await order())[0] === 'user00151')

    await row('user00150').hover()
    use('user00150', 300)
    await row('user00150').getByText('300 MB').waitFor()
    assert.deepEqual(await order(), ['user00151', 'user00150'])
    await page.mouse.move(0, 0)
    await until('it may move now', async () => (await order())[0] === 'user00150')

    for (const user of ['user00150', 'user00151']) await hub.spawning.stop({ user, server: '' }, { by: 'root' })
  })

  it('shows roles and who holds them', async () => {
    await open('/roles')
    const user = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'user', exact: true }) })
    assert.match((await user.textContent())!, /50,0\d\d users/)
  })

  it('finds the tokens of everybody, and revokes one', async () => {
    const note = 'forgotten script'
    await open('/tokens')
    await page.request.post(`${hub.url}/hub/api/users/user00101/tokens`, {
      data: { note },
      headers: { 'x-xsrftoken': (await page.locator('html').getAttribute('data-xsrf'))! },
    })
    await page.getByRole('searchbox').fill('user00101')
    await page.getByText('1 to 1 of 1').waitFor()
    await page.getByRole('button', { name: `Revoke ${note} of user00101` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No token matches.').waitFor()

    const { db } = hub.database
    assert.deepEqual(await db.selectFrom('api_tokens').select('id').where('note', '=', note).execute(), [])
  })

  it('shows those who look after one group that group, and no more than they may do', async () => {
    const { db } = hub.database
    const role = await putRole(db, {
      name: 'wardens',
      description: 'Look after physics',
      scopes: ['admin-ui', 'list:users!group=physics', 'servers!group=physics', 'read:users!group=physics'],
    })
    const { id } = await db.selectFrom('users').select('id').where('name', '=', 'user00002').executeTakeFirstOrThrow()
    await db.insertInto('user_role_map').values({ user_id: id, role_id: role, managed_by_auth: false }).execute()
    const own = await browser.newContext({ reducedMotion: 'reduce' })
    const theirs = await own.newPage()
    await theirs.goto(`${hub.url}/hub/login?next=/hub/admin`)
    await theirs.fill('#username_input', 'user00002')
    await theirs.fill('#password_input', 'any')
    await theirs.click('#login_submit')
    await theirs.getByText('Live', { exact: true }).waitFor()
    await theirs.getByText(/^1 to 50 of 1,25\d$/).waitFor()

    const tabs = await theirs.getByRole('navigation', { name: 'Administration' }).getByRole('link').allTextContents()
    await theirs.getByRole('checkbox', { name: 'Select user00041' }).check()
    const actions = await theirs.getByRole('region', { name: 'Selection' }).getByRole('button').allTextContents()
    await theirs.goto(`${hub.url}/hub/admin?user=user00002`)
    await theirs.getByRole('region', { name: 'user00002' }).getByText('Servers').waitFor()

    assert.deepEqual(tabs, ['Users', 'Servers'])
    assert.deepEqual(actions, ['Clear', 'Start …', 'Stop …'])
    assert.equal(await theirs.getByRole('button', { name: 'Add users' }).count(), 0)
    await own.close()
  })

  it('says that the session has ended, and comes back after signing in', async () => {
    await open('?search=user0001')
    await until('rows', async () => (await names()).length === 10)
    const cookies = await context.cookies()
    await context.clearCookies()
    await page.getByRole('searchbox').fill('user0002')
    await page.getByRole('alert').getByText('Your session has ended.').waitFor()
    await page.getByRole('button', { name: 'Load again' }).click()
    await page.waitForURL('**/hub/login?next=*')
    await context.addCookies(cookies)
    await page.goto(`${hub.url}/hub/admin`)
    await page.getByText('Live', { exact: true }).waitFor()
  })

  it('meets no error on the way', () => {
    assert.deepEqual(faults, [])
  })
})
