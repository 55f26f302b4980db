/** What one person does, by the REST API and in a browser. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { WebSocket } from 'ws'
import { waitForLab } from '../../test/support/lab.ts'
import type { StartedHub } from './started-hub.ts'

export interface Person {
  readonly name: string
  readonly token: string
  readonly url: string
}

const LOOK_EVERY_MS = 20

/** Either hub takes any password. */
export async function newPerson({ url, addUser }: Pick<StartedHub, 'url' | 'addUser'>, name: string): Promise<Person> {
  await addUser(name)
  const auth = { username: name, password: 'any' }
  const response = await fetch(`${url}/hub/api/users/${name}/tokens`, {
    method: 'POST',
    body: JSON.stringify({ auth }),
  })
  if (response.status !== 201) throw new Error(`no token for ${name}: ${response.status} ${await response.text()}`)
  const { token } = (await response.json()) as { token: string }
  return { name, token, url }
}

/**
 * From the request to start it until the server itself answers, through the proxy. `others` start at the same time: all
 * together look as often as one alone, so that looking is no load.
 */
export async function startServer(
  person: Person,
  { options, others = 0 }: { options?: Record<string, string>; others?: number } = {},
): Promise<number> {
  const began = performance.now()
  const body = options && JSON.stringify(options)
  const asked = await call(person, 'POST', `/hub/api/users/${person.name}/server`, body)
  if (![201, 202].includes(asked.status)) throw new Error(`${person.name}: ${asked.status} ${await asked.text()}`)
  while (!(await isRunning(person))) await sleep(LOOK_EVERY_MS * (1 + others))
  return (performance.now() - began) / 1000
}

/** Seconds until the last of them answers. */
export async function startAll(
  people: readonly Person[],
  optionsOf: (person: Person) => Record<string, string> | undefined = () => undefined,
): Promise<number> {
  const others = people.length - 1
  const all = people.map(person => {
    const options = optionsOf(person)
    return startServer(person, { others, ...(options && { options }) })
  })
  return Math.max(...(await Promise.all(all)))
}

export async function stopServer(person: Person): Promise<void> {
  const path = `/hub/api/users/${person.name}`
  await call(person, 'DELETE', `${path}/server`)
  for (;;) {
    const { server, pending } = (await (await call(person, 'GET', path)).json()) as {
      server: unknown
      pending: unknown
    }
    if (!server && !pending) return
    await sleep(LOOK_EVERY_MS)
  }
}

/** The server itself answers. */
export async function isRunning(person: Person): Promise<boolean> {
  return (await call(person, 'GET', `/user/${person.name}/api/status`)).status === 200
}

/** From the request for a kernel until it has answered. */
export async function startKernel(person: Person): Promise<number> {
  const began = performance.now()
  const path = `/user/${person.name}/api/kernels`
  const made = await call(person, 'POST', path, JSON.stringify({ name: 'python3' }))
  const { id } = (await made.json()) as { id: string }
  const headers = { authorization: `token ${person.token}` }
  const socket = new WebSocket(`${person.url.replace('http', 'ws')}${path}/${id}/channels`, { headers })
  await once(socket, 'open')
  const answered = Promise.withResolvers<void>()
  socket.on('message', data => {
    if (String(data).includes('kernel_info_reply')) answered.resolve()
  })
  const header = { msg_id: id, msg_type: 'kernel_info_request', username: '', session: id, version: '5.3', date: '' }
  socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content: {} }))
  await answered.promise
  socket.terminate()
  return (performance.now() - began) / 1000
}

export interface Opened {
  /** From the click on the start page until JupyterLab can be used, in a browser that has seen neither. */
  readonly started: number
  /** The same in another such browser, of the server that now runs: what JupyterLab and the browser take by themselves. */
  readonly running: number
}

export async function openLab(browser: Browser, person: Pick<Person, 'url' | 'name'>): Promise<Opened> {
  const started = await openIn(browser, person, `${person.url}/hub/spawn`)
  return { started, running: await openIn(browser, person, `${person.url}/user/${person.name}/lab`) }
}

/** Seconds until JupyterLab at this address can be used. */
async function openIn(browser: Browser, { url, name }: Pick<Person, 'url' | 'name'>, address: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  try {
    const page = await context.newPage()
    await page.goto(`${url}/hub/login?next=${encodeURIComponent('/hub/home')}`)
    await page.locator('input[name=username]').fill(name)
    await page.locator('input[name=password]').fill('any')
    await page.locator('[type=submit]').first().click()
    await page.locator('#start, #stop').first().waitFor()
    const began = performance.now()
    await page.goto(address)
    await page.waitForURL(/\/user\/.*\/lab/, { timeout: 600_000 })
    await waitForLab(page)
    return (performance.now() - began) / 1000
  } finally {
    await context.close()
  }
}

async function call({ url, token }: Person, method: string, path: string, body?: string): Promise<Response> {
  const headers = { authorization: `token ${token}` }
  const options = { method, headers, redirect: 'manual' as const, ...(body !== undefined && { body }) }
  const ask = () => fetch(url + path, options)
  // A proxy may end a kept connection just when it is used again: then a client asks again (RFC 9112, 9.3.1).
  const answer = method === 'GET' ? ask().catch(ask) : ask()
  return await answer.catch(error => {
    throw new Error(`${method} ${url}${path} got no answer`, { cause: error })
  })
}
