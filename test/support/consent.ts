import assert from 'node:assert/strict'
import type { HttpSession } from './http-session.ts'

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
