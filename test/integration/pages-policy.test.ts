/** Every page that links lead to, and those that errors make: no script or style of its own text, nothing from elsewhere. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'

const PASSWORD = 'orbit-of-17-moons'
/** Where a visitor may begin; the crawl finds the rest. */
const BEGINNINGS = [
  '/',
  '/hub/login?next=%2Fhub%2Ftoken',
  '/hub/signup',
  '/hub/change-password',
  '/hub/reset-password?link=x',
  '/hub/first-admin?link=x',
  '/hub/home',
  '/hub/admin',
  '/hub/authorize',
  '/hub/token',
  '/hub/accept-share',
  '/hub/accept-share?code=wrong',
  '/hub/spawn/ada',
  '/hub/spawn/nobody',
  '/hub/spawn-pending/ada',
  '/hub/user/ada/lab',
  '/user/ada/lab',
  '/user/nobody/lab',
  '/services/nothing/',
  '/hub/error/404',
  '/hub/error/503',
  '/hub/nothing',
  '/hub/api/docs',
  '/hub/api/oauth2/authorize?client_id=nothing&response_type=code&redirect_uri=%2F',
]

describe('what pages are made of', () => {
  let orrery: OrreryProcess
  let ada: HttpSession
  const faults: string[] = []
  before(async () => {
    orrery = await startOrrery({
      config: { servers: { cmd: ['/bin/sleep', '600'], startTimeout: 600, allowNamedServers: true } },
      args: ['--stop-servers'],
    })
    ada = new HttpSession(orrery.url)
    const link = new URL(orrery.firstAdminLink!)
    const form = await (await ada.go(link.href)).text()
    const hidden = (name: string) => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(form)![1]!
    const made = await ada.go(link.pathname, {
      method: 'POST',
      body: new URLSearchParams({
        _xsrf: hidden('_xsrf'),
        link: hidden('link'),
        username: 'ada',
        password: PASSWORD,
        password_confirm: PASSWORD,
      }),
    })
    assert.equal(made.status, 200)
  })
  after(() => orrery?.stop())

  it('is, for a visitor, files of this site alone', async () => {
    const seen = await crawl(new HttpSession(orrery.url))
    assert.deepEqual(faults.splice(0), [])
    assert.ok(seen.has('/hub/signup') && seen.has('/hub/login'), [...seen].join(' '))
  })

  it('is the same for an administrator whose server starts', async () => {
    const started = await ada.once('/hub/spawn/ada')
    assert.match(started.headers.get('location') ?? '', /spawn-pending/)
    const seen = await crawl(ada)
    assert.deepEqual(faults.splice(0), [])
    assert.ok(seen.has('/hub/admin') && seen.has('/hub/spawn-pending/ada') && seen.size > 15, [...seen].join(' '))
  })

  it('is the same once signed out', async () => {
    const page = await ada.go('/hub/logout')
    look('/hub/logout', page, await page.text())
    assert.deepEqual(faults.splice(0), [])
  })

  /** Addresses of the pages, without their queries. */
  async function crawl(session: HttpSession): Promise<Set<string>> {
    const waiting = [...BEGINNINGS]
    const asked = new Set<string>()
    const seen = new Set<string>()
    for (let next = waiting.shift(); next !== undefined && asked.size < 300; next = waiting.shift()) {
      if (asked.has(next) || /\/logout|\/static\//.test(next)) continue
      asked.add(next)
      const answer = await session.once(next)
      const to = answer.headers.get('location')
      if (to) waiting.push(...ownAddress(to, next))
      const text = await answer.text()
      cookies(next, answer)
      if (!(answer.headers.get('content-type') ?? '').startsWith('text/html') || to) continue
      seen.add(next.split('?')[0]!)
      look(next, answer, text)
      for (const [, href] of text.matchAll(/\shref="([^"#]*)"/g)) waiting.push(...ownAddress(plainText(href!), next))
    }
    return seen
  }

  function ownAddress(href: string, at: string): string[] {
    const url = URL.parse(href, new URL(at, orrery.url))
    return url?.origin === new URL(orrery.url).origin ? [`${url.pathname}${url.search}`] : []
  }

  function look(path: string, answer: Response, html: string): void {
    const policy = answer.headers.get('content-security-policy') ?? ''
    if (!/default-src '(self|none)'/.test(policy) || !/frame-ancestors 'none'/.test(policy))
      faults.push(`${path}: policy "${policy}"`)
    if (/unsafe-|nonce-|\*/.test(policy)) faults.push(`${path}: policy lets too much through: ${policy}`)
    if (answer.headers.get('x-content-type-options') !== 'nosniff') faults.push(`${path}: may be sniffed`)
    for (const [tag] of html.matchAll(/<script\b[^>]*>/g)) {
      const source = /\ssrc="([^"]*)"/.exec(tag)?.[1]
      // Data for a script of ours runs nothing.
      if (/type="application\/json"/.test(tag)) continue
      if (source === undefined || ownAddress(plainText(source), path).length === 0) faults.push(`${path}: ${tag}`)
    }
    const inline = /<style\b|<[a-z][^>]*\s(?:style|on[a-z]+)\s*=|(?:href|action|src)\s*=\s*["']?\s*javascript:/i.exec(
      html,
    )
    if (inline) faults.push(`${path}: ${inline[0].slice(0, 120)}`)
    for (const [tag] of html.matchAll(/<(?:link|img|iframe|base|form)\b[^>]*>/g)) {
      const target = /\s(?:href|src|action)="([^"]*)"/.exec(tag)?.[1]
      if (target && !target.startsWith('data:') && ownAddress(plainText(target), path).length === 0)
        faults.push(`${path} leads elsewhere: ${tag}`)
    }
  }

  /** `_xsrf` is read by scripts, the others by nobody; all of them belong to this host and the hub's paths. */
  function cookies(path: string, answer: Response): void {
    for (const line of answer.headers.getSetCookie()) {
      const isCleared = /^[^=]+=(?:""|);/.test(line)
      if (!isCleared && !line.startsWith('_xsrf=') && !/;\s*httponly/i.test(line))
        faults.push(`${path}: cookie ${line.split('=')[0]} is not HttpOnly`)
      if (/;\s*domain=/i.test(line) || !/;\s*path=\//i.test(line)) faults.push(`${path}: cookie ${line.split('=')[0]}`)
    }
  }
})

function plainText(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&#x2F;', '/').replaceAll('&#47;', '/')
}
