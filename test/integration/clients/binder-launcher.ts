/** BinderHub: its released launcher, and the calls with which newer ones follow, open and clean up what they launched. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { HttpSession } from '../../support/http-session.ts'
import { pythonOf } from '../../support/python-env.ts'
import { until } from '../../support/until.ts'

type Launched = { url: string; image: string; token: string }
type Progress = { progress: number; ready?: boolean; failed?: boolean; url?: string }

const USER = 'example-course-k3j5x9ab'

export function binderLauncher(site: { url(): string; token: string }): void {
  describe('BinderHub', () => {
    const hub = (method: string, path: string, body?: object) =>
      fetch(`${site.url()}/hub/api/${path}`, {
        method,
        headers: { authorization: `token ${site.token}` },
        ...(body && { body: JSON.stringify(body) }),
      })
    const launch = async (...args: string[]) => {
      const program = join(import.meta.dirname, '../../support/binder_launch.py')
      const run = promisify(execFile)
      const { stdout } = await run(pythonOf('binderhub.sh'), [program, `${site.url()}/`, site.token, ...args])
      return JSON.parse(stdout) as Launched
    }

    it('makes a user for an image and starts the server, with its options', async () => {
      const launched = await launch(USER)
      assert.equal(launched.url, `${site.url()}/user/${USER}/`)
      const { servers } = (await (await hub('GET', `users/${USER}`)).json()) as { servers: Record<string, unknown> }
      assert.partialDeepStrictEqual(servers[''], {
        ready: true,
        user_options: { image: 'registry/image:1', repo_url: 'https://example.org/course', token: launched.token },
      })
    })

    it('opens it in a browser by the token in its address', async () => {
      const asked = { note: 'launch', expires_in: 3600, scopes: [`access:servers!user=${USER}`] }
      const answer = await hub('POST', `users/${USER}/tokens`, asked)
      assert.equal(answer.status, 201)
      const { token } = (await answer.json()) as { token: string }

      const visitor = new HttpSession(site.url())
      const page = await visitor.go(`/user/${USER}/lab?token=${token}`)
      assert.equal(page.status, 200)
      assert.equal(new URL(page.at).pathname, `/user/${USER}/lab`)
      assert.equal((await visitor.go(`/user/${USER}/api/contents`)).status, 200, 'the session is kept in a cookie')
      assert.equal((await visitor.go(`/user/${USER}/lab`)).status, 200)
    })

    it('launches more for one user under names, follows the start, and removes them', async () => {
      const path = `users/${USER}/servers/second-repo`
      const started = await hub('POST', path, { image: 'registry/image:2', cpu: 2 })
      assert.ok([201, 202].includes(started.status), `status ${started.status}`)
      const stream = await hub('GET', `${path}/progress`)
      assert.match(stream.headers.get('content-type')!, /^text\/event-stream/)
      const events = [...(await stream.text()).matchAll(/^data: ?(.*)$/gm)].map(
        line => JSON.parse(line[1]!) as Progress,
      )
      assert.partialDeepStrictEqual(events.at(-1), { progress: 100, ready: true, url: `/user/${USER}/second-repo/` })

      const again = await hub('POST', path, {})
      assert.equal(again.status, 400, 'which runs already')
      const removed = await hub('DELETE', path, { remove: true })
      assert.ok([202, 204].includes(removed.status), `status ${removed.status}`)
      await until('it is gone', async () => {
        const { servers } = (await (await hub('GET', `users/${USER}`)).json()) as { servers: Record<string, unknown> }
        return !('second-repo' in servers)
      })
    })

    it('gives up on a user who exists already', async () => {
      assert.equal((await hub('POST', `users/${USER}`)).status, 409)
      await assert.rejects(launch(USER), /Failed to create temporary user/)
    })

    it('removes the user with the running server', async () => {
      assert.equal((await hub('DELETE', `users/${USER}`)).status, 204)
      assert.equal((await hub('GET', `users/${USER}`)).status, 404)
      await until('the hub answers at its address, which leads to the login', async () => {
        const answer = await fetch(`${site.url()}/user/${USER}/api/contents`, { redirect: 'manual' })
        return answer.headers.get('location')?.includes('/hub/')
      })
    })
  })
}
