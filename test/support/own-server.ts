import { HttpSession } from './http-session.ts'
import { until } from './until.ts'

/** Somebody signed in whose server is ready. For a hub that takes any password. */
export async function personWithServer(url: string, name: string): Promise<HttpSession> {
  const session = new HttpSession(url)
  await session.signIn(name, 'any')
  const answer = await session.go(`/hub/spawn/${name}`)
  // A quick one leads to the server at once, whose answer is its own.
  const isOfHub = new URL(answer.at).pathname.startsWith('/hub/')
  if (isOfHub && answer.status !== 200) throw new Error(`the start answers ${answer.status}`)
  const ready = async () => {
    const model = await session.go(`/hub/api/users/${name}`)
    const { servers } = (await model.json()) as { servers: Record<string, { ready: boolean }> }
    return servers['']?.ready
  }
  await until(`the server of ${name} is ready`, ready, 120_000)
  // The first page of the server signs in there with the hub.
  await session.go(`/user/${name}/`)
  return session
}

/** A token of hers with all that she may do, made as scripts make it: with her password. */
export async function tokenOf(url: string, name: string, scopes?: readonly string[]): Promise<string> {
  const answer = await fetch(`${url}/hub/api/users/${name}/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth: { username: name, password: 'any' }, scopes }),
  })
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { token: string }).token
}
