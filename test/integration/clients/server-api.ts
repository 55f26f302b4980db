/** `jupyterhub-singleuser` itself: signing in with the hub, and its REST and WebSocket API for programs with a token. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { HttpSession } from '../../support/http-session.ts'
import { personWithServer, tokenOf } from '../../support/own-server.ts'
import { clientsPython } from '../../support/python-env.ts'
import type { ClientsSite } from './site.ts'

export function serverApi(site: ClientsSite): void {
  describe('jupyterhub-singleuser', () => {
    let token: string
    before(async () => {
      await personWithServer(site.url(), 'ada')
      token = await tokenOf(site.url(), 'ada')
    })

    it('signs two tabs in that were opened at once', async () => {
      const ada = new HttpSession(site.url())
      await ada.signIn('ada', 'any')
      const [first, second] = await Promise.all([
        ada.once('/user/ada/api/contents/x?tab=1'),
        ada.once('/user/ada/tree?tab=2'),
      ])
      const follow = async (answer: Response) => ada.go(answer.headers.get('location')!)
      const third = await ada.once('/user/ada/lab?tab=3')
      assert.deepEqual([first.status, second.status, third.status], [403, 302, 302], 'programs get no redirect')

      const [two, three] = await Promise.all([follow(second), follow(third)])
      assert.deepEqual([two.status, three.status], [200, 200])
      assert.deepEqual([new URL(two.at).search, new URL(three.at).search], ['?tab=2', '?tab=3'])
    })

    it('runs code for a program that has a token, through its REST API and WebSockets', async () => {
      const program = join(import.meta.dirname, '../../support/run_in_kernel.py')
      const run = promisify(execFile)
      const { stdout } = await run(clientsPython(), [program, `${site.url()}/user/ada`, token, 'print(6 * 7 * 1000)'])
      assert.equal(stdout.trim(), '42000')
    })

    it('refuses a token without access to it, and one of somebody else', async () => {
      const narrow = await tokenOf(site.url(), 'ada', ['read:users!user'])
      const ask = (path: string, given: string) =>
        fetch(site.url() + path, { headers: { authorization: `Bearer ${given}` }, redirect: 'manual' })
      assert.equal((await ask('/user/ada/api/contents', narrow)).status, 403)
      assert.equal((await ask('/user/ada/api/contents', token)).status, 200)

      const stranger = await tokenOf(site.url(), 'bea')
      assert.equal((await ask('/user/ada/api/contents', stranger)).status, 403)
    })

    it('takes no token from the address of a page unless it is told to', async () => {
      const answer = await new HttpSession(site.url()).once(`/user/ada/tree?token=${token}`)
      assert.equal(answer.status, 302)
      assert.match(answer.headers.get('location')!, /oauth2\/authorize/)
    })
  })
}
