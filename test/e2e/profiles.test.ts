/** Kinds of servers to choose from, with the program as people start it: in Chromium and by the REST API. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser.ts'
import { inEveryLook } from '../support/every-look.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { tokenOf } from '../support/own-server.ts'
import { until } from '../support/until.ts'

const FOLDER = join(import.meta.dirname, '../../test-results/profiles')
const PYTHON = ['/usr/bin/env', 'python3']

/** `programs`: servers that differ in their names alone. */
function profilesOf(programs: { python: string; r: string }) {
  return [
    {
      name: 'course',
      label: 'Course',
      description: 'What most exercises need.',
      default: true,
      servers: { environment: { KIND: 'course' } },
      options: {
        software: {
          type: 'choice',
          label: 'Software',
          choices: {
            python: { label: 'Python' },
            r: { label: 'R', servers: { cmd: [...PYTHON, programs.r] } },
            secret: { label: 'Not for ada', users: ['eve'] },
          },
        },
        memory: { type: 'number', label: 'Memory', min: 1, max: 4, default: 1, unit: 'G', setting: 'memLimit' },
        branch: { type: 'text', label: 'Branch', pattern: '[a-z]+', default: 'main', variable: 'BRANCH' },
        debug: { type: 'switch', label: 'Every detail', servers: { environment: { DETAIL: '1' } } },
      },
    },
    { name: 'large', label: 'Large', servers: { memLimit: '5G' } },
    { name: 'staff', label: 'Staff', groups: ['staff'] },
  ]
}

describe('profiles, chosen by people and by programs', { timeout: 300_000 }, () => {
  let orrery: OrreryProcess
  let programs: string
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let token: string
  before(async () => {
    mkdirSync(FOLDER, { recursive: true })
    programs = mkdtempSync(join(tmpdir(), 'orrery-profiles-'))
    chmodSync(programs, 0o755)
    const [python, r] = [join(programs, 'server.py'), join(programs, 'r-server.py')]
    for (const each of [python, r]) copyFileSync(join(import.meta.dirname, '../support/tiny-server.py'), each)
    orrery = await startOrrery({
      args: ['--stop-servers'],
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['root-of-hub'] },
        servers: { cmd: [...PYTHON, python], allowNamedServers: true, profiles: profilesOf({ python, r }) },
      },
    })
    token = await tokenOf(orrery.url, 'ada')
    browser = await launchBrowser()
    context = await browser.newContext()
    page = await context.newPage()
    await page.goto(`${orrery.url}/hub/login?next=%2Fhub%2Fhome`)
    await page.fill('[name=username]', 'ada')
    await page.fill('[name=password]', 'any')
    await page.click('#login_submit')
    await page.waitForURL('**/hub/home')
  })
  after(async () => {
    await browser?.close()
    await orrery?.stop()
    if (programs) rmSync(programs, { recursive: true, force: true })
  })

  async function ask(method: string, path: string, body?: unknown) {
    const headers = { authorization: `token ${token}` }
    const answer = await fetch(`${orrery.url}/hub/api/users/ada${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }

  interface ServerModel {
    readonly ready: boolean
    readonly user_options: unknown
  }

  async function serverModel(name = ''): Promise<ServerModel | undefined> {
    return ((await ask('GET', '?include_stopped_servers')).json.servers as Record<string, ServerModel>)[name]
  }

  /** What the server was started with. */
  async function environmentOf(name = ''): Promise<Record<string, string>> {
    await until('the server is ready', async () => (await serverModel(name))?.ready)
    const answer = await fetch(`${orrery.url}/user/ada/${name === '' ? '' : `${name}/`}environment`)
    return ((await answer.json()) as { env: Record<string, string> }).env
  }

  async function stop(path: string, name = ''): Promise<void> {
    await ask('DELETE', path)
    await until('it has stopped', async () => (await serverModel(name))?.ready !== true)
  }

  it('a person is offered what is theirs, and each wrong field is told, also past the checks of the browser', async () => {
    await page.goto(`${orrery.url}/hub/spawn/ada`)
    assert.equal(await page.getByRole('radio', { name: 'Staff' }).count(), 0)
    assert.doesNotMatch(await page.content(), /Not for ada|secret/)
    assert.deepEqual(await inEveryLook(page, 'form', { folder: FOLDER, widths: [1280, 390] }), {
      faults: [],
      overflow: 0,
    })

    await page.evaluate("document.querySelector('#spawn_form').noValidate = true")
    await page.getByLabel('Memory').fill('9')
    await page.getByLabel('Branch').fill('../x')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('At most 4 GB.', { exact: true }).waitFor()

    await page.getByText('Expected the form [a-z]+', { exact: true }).waitFor()
    await page.getByText('2 fields are not right yet.').waitFor()
    assert.equal(await page.getByLabel('Memory').inputValue(), '9')
    assert.equal(await page.getByLabel('Branch').getAttribute('aria-invalid'), 'true')
    assert.equal(await page.getByLabel('Software').getAttribute('aria-invalid'), null)
    assert.deepEqual(await inEveryLook(page, 'refused', { folder: FOLDER, widths: [1280, 390] }), {
      faults: [],
      overflow: 0,
    })
  })

  it('a person gets the program, the limit and the variables that were chosen, by the keyboard alone', async () => {
    await page.goto(`${orrery.url}/hub/spawn/ada`)
    await page.getByLabel('Software').focus()
    await page.keyboard.type('R')
    await page.keyboard.press('Tab')
    await page.keyboard.type('2')
    await page.keyboard.press('Tab')
    await page.keyboard.type('dev')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const env = await environmentOf()

    const { KIND, BRANCH, DETAIL, MEM_LIMIT } = env
    assert.deepEqual(
      { KIND, BRANCH, DETAIL, MEM_LIMIT },
      {
        KIND: 'course',
        BRANCH: 'dev',
        DETAIL: '1',
        MEM_LIMIT: String(2 * 2 ** 30),
      },
    )
    const options = { profile: 'course', software: 'r', memory: 2, branch: 'dev', debug: true }
    assert.deepEqual((await serverModel())!.user_options, options)
  })

  it('the choice is remembered for each server by itself, in the form and by API', async () => {
    await stop('/server')
    const other = await ask('POST', '/servers/gpu', { profile: 'large' })
    assert.ok([201, 202].includes(other.status), JSON.stringify(other))
    assert.equal((await environmentOf('gpu')).MEM_LIMIT, String(5 * 2 ** 30))
    await stop('/servers/gpu', 'gpu')

    await page.goto(`${orrery.url}/hub/spawn/ada`)
    assert.equal(await page.getByLabel('Software').inputValue(), 'r')
    assert.equal(await page.getByLabel('Branch').inputValue(), 'dev')
    await page.goto(`${orrery.url}/hub/spawn/ada/gpu`)
    assert.equal(await page.getByRole('radio', { name: 'Large' }).isChecked(), true)
    assert.ok((await ask('POST', '/server')).status < 300)
    assert.equal((await environmentOf()).BRANCH, 'dev')
    await stop('/server')
  })

  it('a program is refused field by field, and what is hidden does not exist for it', async () => {
    const { status, json } = await ask('POST', '/server', { memory: 9, software: 'secret', branch: '$(id)', cmd: 'sh' })
    const hidden = await ask('POST', '/server', { profile: 'staff' })
    const missing = await ask('POST', '/server', { profile: 'none' })

    assert.equal(status, 400)
    assert.equal(json.code, 'profile_refused')
    assert.deepEqual(Object.keys(json.fields as object).sort(), ['branch', 'cmd', 'memory', 'software'])
    assert.equal(hidden.status, 400)
    assert.equal(String(hidden.json.message).replace('staff', 'none'), missing.json.message)
    assert.equal((await serverModel())!.ready, false)
  })
})
