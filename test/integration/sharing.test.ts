/** A friend enters a real server that its owner was made to share, through the link and OAuth, and not before. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const LAB = '/user/ada/lab'

describe('sharing a server', () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('lets a friend in who accepts the invitation', async () => {
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['boss'] },
        servers: { cmd: singleUserCommand() },
      },
    })
    const [ada, bob, boss] = [new HttpSession(orrery.url), new HttpSession(orrery.url), new HttpSession(orrery.url)]
    await Promise.all([ada.signIn('ada', 'any'), bob.signIn('bob', 'any'), boss.signIn('boss', 'any')])
    await ada.go('/hub/spawn/ada')
    await until('her server answers', async () => isLab(await ada.go(LAB)), 120_000)

    const before = await bob.go(LAB)
    const made = await boss.once(`/hub/api/share-codes/ada/?_xsrf=${encodeURIComponent(boss.cookie('_xsrf')!)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-mode': 'same-origin' },
      body: '{}',
    })
    assert.equal(made.status, 200, await made.clone().text())
    const { accept_url: acceptUrl, full_accept_url: fullUrl } = (await made.json()) as Record<string, string> // the API
    const invitation = await (await bob.go(acceptUrl!)).text()
    const next = encodeURIComponent(LAB)
    const consent = await submit(bob, `${acceptUrl}&next=${next}`, invitation)
    const inside = await submit(bob, consent.at, await consent.text())

    assert.equal(before.status, 403)
    assert.equal(fullUrl, `${orrery.url}${acceptUrl}`)
    assert.match(invitation, /ada invites you/)
    assert.ok(isLab(inside), inside.at)
    assert.equal((await bob.go('/user/ada/api/status')).status, 200)
  })
})

function isLab({ at, status }: { at: string; status: number }): boolean {
  return status === 200 && new URL(at).pathname === LAB
}

/** Sends the page's form with its hidden fields, as a click on its button does. */
async function submit(session: HttpSession, address: string, page: string) {
  const fields = [...page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)?.[1] ?? '',
    (/value="([^"]*)"/.exec(input)?.[1] ?? '').replaceAll('&amp;', '&').replaceAll('&#x3D;', '='),
  ])
  assert.ok(fields.length > 0, `${address} shows a form`)
  return session.go(address, { method: 'POST', body: new URLSearchParams(fields) })
}
