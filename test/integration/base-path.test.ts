/** The real program below a base path, with `__Host-` cookies: pages, a server and a service, each with its sign-in. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { enterService } from '../support/consent.ts'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { referencePython, singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const HUB = '/jupyter/hub/'

describe('below a base path', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-base-path-'))
  let orrery: OrreryProcess
  let ada: HttpSession

  before(async () => {
    const [port] = await freePorts(1)
    const program = join(folder, 'whoami.py')
    copyFileSync(join(import.meta.dirname, '../support/hub_oauth_service.py'), program)
    chmodSync(folder, 0o755)
    chmodSync(program, 0o644)
    orrery = await startOrrery({
      config: {
        baseUrl: '/jupyter/',
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        cookies: { hostPrefix: true, sameSite: 'lax' },
        headers: { 'Content-Security-Policy': "frame-ancestors 'self' https://lms.example.org" },
        servers: {
          cmd: singleUserCommand(),
          startTimeout: '2m',
          httpTimeout: '2m',
          memGuarantee: '64M',
          tokenScopes: ['users:activity!user', 'access:servers!server', 'read:users:name!user'],
        },
        services: [
          {
            name: 'whoami',
            url: `http://127.0.0.1:${port}`,
            command: [referencePython(), program],
            environment: { SERVICE_PORT: String(port) },
          },
        ],
        extraUserScopes: ['access:services!service=whoami'],
      },
    })
    ada = new HttpSession(orrery.url)
  })
  after(async () => {
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('people sign in, with cookies that no other host can set', async () => {
    const form = await ada.go(`${HUB}login`)
    const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(await form.text())?.[1] ?? ''
    const body = new URLSearchParams({ _xsrf: xsrf, username: 'ada', password: 'any' })
    const answer = await ada.once(`${HUB}login?next=${HUB}home`, { method: 'POST', body })

    assert.equal(answer.headers.get('location'), `${HUB}home`)
    const cookie = answer.headers.getSetCookie().find(line => line.startsWith('__Host-jupyterhub-hub-login='))
    assert.match(cookie ?? '', /; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    const home = await ada.go(`${HUB}home`)
    assert.equal(home.status, 200)
    assert.match(home.headers.get('content-security-policy')!, /default-src 'self'.*https:\/\/lms\.example\.org/)
    const links = [...(await home.text()).matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map(([, link]) => link!)
    assert.ok(links.length > 5)
    assert.deepEqual(
      links.filter(link => !link.startsWith('/jupyter/')),
      [],
    )
  })

  it('they start their server and are let in to it', async () => {
    await ada.go(`${HUB}spawn`)
    const status = await until(
      'the server lets ada in',
      async () => {
        await ada.go('/jupyter/user/ada/lab') // where signing in happens by itself, which the API leaves out
        const answer = await ada.once('/jupyter/user/ada/api/status')
        return answer.status === 200 ? answer : undefined
      },
      120_000,
    )

    assert.ok('kernels' in ((await status.json()) as object))
    assert.match(ada.cookieHeader('/jupyter/user/ada/'), /__Host-jupyterhub-user-ada=/)
  })

  it('and to a service, which the menu leads to', async () => {
    const entered = await enterService(ada, '/jupyter/services/whoami/')

    assert.equal(entered.status, 200)
    assert.partialDeepStrictEqual(await entered.json(), { kind: 'user', name: 'ada' })
    assert.match(await (await ada.go(`${HUB}home`)).text(), /<a href="\/jupyter\/services\/whoami\/">whoami<\/a>/)
  })
})
