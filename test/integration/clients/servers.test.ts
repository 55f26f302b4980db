/** Released front ends, extensions and clients of single-user servers, all on one hub. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchBrowser } from '../../support/browser.ts'
import { type OrreryProcess, startOrrery } from '../../support/orrery-process.ts'
import { clientsPython } from '../../support/python-env.ts'
import { gitPuller } from './git-puller.ts'
import { labAndNotebook } from './lab-and-notebook.ts'
import { serverApi } from './server-api.ts'
import { serverProxy } from './server-proxy.ts'

describe('clients of single-user servers', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-clients-'))
  let orrery: OrreryProcess
  let browser: Browser

  before(async () => {
    const python = clientsPython()
    const program = join(folder, 'tiny_web.py')
    copyFileSync(join(import.meta.dirname, '../../support/tiny_web.py'), program)
    const tiny = { command: [python, program, '{port}'] }
    const config = { ServerProxy: { servers: { tiny, 'tiny-absolute': { ...tiny, absolute_url: true } } } }
    writeFileSync(join(folder, 'jupyter_server_config.json'), JSON.stringify(config))
    chmodSync(folder, 0o755)
    browser = await launchBrowser()
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: {
          cmd: [join(dirname(python), 'jupyterhub-singleuser')],
          environment: { JUPYTER_CONFIG_PATH: folder },
          startTimeout: '2m',
          httpTimeout: '2m',
        },
      },
    })
  })
  after(async () => {
    await browser?.close()
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const site = { url: () => orrery.url, browser: () => browser }
  serverProxy(site)
  serverApi(site)
  labAndNotebook(site)
  gitPuller(site)
})
