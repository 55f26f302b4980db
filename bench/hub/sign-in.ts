import { HttpSession } from '../../test/support/http-session.ts'

export interface BenchRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly expect: number | readonly number[]
}

/** A login page that was opened: what its form sends along, as often as one likes. */
export interface LoginForm {
  readonly cookie: string
  readonly xsrf: string
  /** Signs in and returns the cookies of the session. */
  signIn(name: string): Promise<string>
}

export async function visitLogin(url: string): Promise<LoginForm> {
  const session = new HttpSession(url)
  const page = await session.go('/hub/login')
  const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(await page.text())?.[1]
  if (xsrf === undefined) throw new Error(`the login page of ${url} has no _xsrf field`)
  return {
    cookie: cookiesOf(session),
    xsrf,
    async signIn(name) {
      const after = await session.signIn(name, 'any')
      if (!after.ok) throw new Error(`${url}: signing in answered ${after.status}`)
      return cookiesOf(session)
    },
  }
}

export function signInRequest({ cookie, xsrf }: LoginForm, username: string): BenchRequest {
  return {
    method: 'POST',
    path: '/hub/login?next=%2Fhub%2Fhome',
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-mode': 'navigate' },
    body: new URLSearchParams({ _xsrf: xsrf, username, password: 'any' }).toString(),
    expect: 302,
  }
}

const COOKIES = ['jupyterhub-hub-login', 'jupyterhub-session-id', '_xsrf']

function cookiesOf(session: HttpSession): string {
  return COOKIES.flatMap(name => {
    const value = session.cookie(name)
    return value === undefined ? [] : [`${name}=${value}`]
  }).join('; ')
}
