/** `jupyter-collaboration` on a server that its owner shares: two people in one notebook. */
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser, newPage } from '../../support/browser.ts'
import { runCell, waitForLab, waitForOutput } from '../../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../../support/own-server.ts'
import { signIn } from '../../support/people.ts'
import { pythonOf } from '../../support/python-env.ts'

const READY_MS = 120_000

describe('jupyter-collaboration', { timeout: 600_000 }, () => {
  let orrery: OrreryProcess
  let browser: Browser
  before(async () => {
    browser = await launchBrowser()
    const python = pythonOf('clients-python.sh', 'collaboration')
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: {
          cmd: [join(dirname(python), 'jupyterhub-singleuser')],
          startTimeout: '2m',
          httpTimeout: '2m',
        },
        // What JupyterHub's documentation gives to let people share.
        roles: [{ name: 'user', scopes: ['self', 'shares!user', 'read:users:name', 'read:groups:name'] }],
      },
    })
  })
  after(async () => {
    await browser?.close()
    await orrery?.stop()
  })

  it('lets two people work in one notebook of a shared server', async () => {
    await personWithServer(orrery.url, 'ada')
    const token = await tokenOf(orrery.url, 'ada')
    const ask = (method: string, path: string, body: object) =>
      fetch(orrery.url + path, { method, headers: { authorization: `token ${token}` }, body: JSON.stringify(body) })
    const made = await ask('PUT', '/user/ada/api/contents/shared.ipynb', { type: 'notebook', content: emptyNotebook() })
    assert.equal(made.status, 201)
    const [ada, bea] = [await personAt('ada'), await personAt('bea')]

    const before = await bea.goto(`${orrery.url}/user/ada/lab/tree/shared.ipynb`)
    assert.equal(before?.status(), 403)
    const shared = await ask('POST', '/hub/api/shares/ada/', { user: 'bea' })
    assert.ok([200, 201].includes(shared.status), `status ${shared.status}`)
    for (const page of [ada, bea]) await page.goto(`${orrery.url}/user/ada/lab/tree/shared.ipynb`)
    await bea.getByRole('button', { name: 'Allow' }).click()
    await Promise.all([ada, bea].map(waitForLab))

    await ada.locator('.jp-Notebook .jp-CodeCell .cm-content').fill('print(6 * 7 * 1000)', { timeout: READY_MS })
    await bea.locator('.jp-Notebook .cm-content', { hasText: 'print(6 * 7 * 1000)' }).waitFor({ timeout: READY_MS })
    await runCell(bea, 'print(6 * 7 * 1001)')
    await Promise.all([ada, bea].map(page => waitForOutput(page, '42042')))
  })

  async function personAt(name: string): Promise<Page> {
    const { page } = await newPage(browser)
    await signIn(page, orrery.url, name, 'any')
    return page
  }
})

function emptyNotebook() {
  const one = { cell_type: 'code', id: 'one', execution_count: null, metadata: {}, outputs: [], source: '' }
  const metadata = { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } }
  return { cells: [one], metadata, nbformat: 4, nbformat_minor: 5 }
}
