import assert from 'node:assert/strict'
import type { HttpSession } from './http-session.ts'
import { until } from './until.ts'

/**
 * Agrees to what the consent page of a service asks for.
 * @returns the answer to the form: a redirect to the service
 */
export async function agree(session: HttpSession, page: Response & { readonly at: string }): Promise<Response> {
  const shown = await page.text()
  const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(shown)?.[1]
  assert.ok(xsrf, `the consent page comes first, not ${page.at}: ${shown.slice(0, 300)}`)
  const scopes = [...shown.matchAll(/name="scopes"[^>]*value="([^"]*)"/g)].map(match => match[1]!)
  const body = new URLSearchParams([['_xsrf', xsrf], ...scopes.map(scope => ['scopes', scope])])
  return session.once(page.at, { method: 'POST', body })
}

/** Opens a service once it runs, agrees to what it asks for, and comes to where that leads. */
export async function enterService(session: HttpSession, path: string): Promise<Response> {
  const page = await until('the service answers', async () => {
    const answer = await session.go(path)
    if (answer.status < 500) return answer
    throw new Error(
      `${answer.status} by ${answer.at}: ${(await answer.text()).replace(/<[^>]*>|\s+/g, ' ').slice(0, 500)}`,
    )
  })
  const agreed = await agree(session, page)
  return session.go(agreed.headers.get('location')!) // a redirect, see above
}
