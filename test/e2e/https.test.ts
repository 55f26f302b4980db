/** A notebook in a browser over HTTPS and HTTP/2, WebSockets among that, as `proxy.tls` serves it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser.ts'
import { openNotebook, runCell, waitForLab, waitForOutput } from '../support/lab.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { signIn, startServerFromHome } from '../support/people.ts'
import { singleUserCommand } from '../support/python-env.ts'

/** What the browser has agreed on with the proxy, as Chromium's own tools see it. */
interface Seen {
  readonly protocols: Set<string>
  /** Status of the answers to WebSocket handshakes: 101 in HTTP/1.1, 200 in HTTP/2 (RFC 8441). */
  readonly handshakes: Set<number>
}

describe('a notebook over HTTPS', () => {
  let orrery: OrreryProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const seen: Seen = { protocols: new Set(), handshakes: new Set() }

  before(async () => {
    browser = await launchBrowser()
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand() },
        proxy: { tls: { selfSigned: true } },
      },
    })
    context = await browser.newContext({ ignoreHTTPSErrors: true })
    page = await context.newPage()
    const tools = await context.newCDPSession(page)
    await tools.send('Network.enable')
    tools.on('Network.responseReceived', ({ response }) => void seen.protocols.add(response.protocol ?? ''))
    tools.on('Network.webSocketHandshakeResponseReceived', ({ response }) => void seen.handshakes.add(response.status))
  })
  after(async () => {
    await context?.close()
    await browser?.close()
    await orrery?.stop()
  })

  it('signs in, starts a server and runs a cell, all of it over HTTP/2', async () => {
    assert.match(orrery.url, /^https:/)
    await signIn(page, orrery.url, 'kit', 'any')
    await startServerFromHome(page, orrery.url)
    await page.goto(`${orrery.url}/user/kit/lab/workspaces/https?reset`)
    await waitForLab(page)
    await openNotebook(page)

    await runCell(page, "print('sum', 20 + 22)")
    await waitForOutput(page, 'sum 42')

    assert.deepEqual(
      [...seen.protocols].filter(name => /^http|^h\d/.test(name)),
      ['h2'],
    )
    assert.deepEqual([...seen.handshakes], [200])
  })
})
