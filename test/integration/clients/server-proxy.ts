/** `jupyter-server-proxy`: programs that a server starts and shows below its own address. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import type { HttpSession } from '../../support/http-session.ts'
import { personWithServer } from '../../support/own-server.ts'
import { until } from '../../support/until.ts'
import type { ClientsSite } from './site.ts'

type Told = { method: string; uri: string; body: string; headers: Record<string, string> }

export function serverProxy(site: ClientsSite): void {
  describe('jupyter-server-proxy', () => {
    let ada: HttpSession
    before(async () => {
      ada = await personWithServer(site.url(), 'ada')
    })

    const read = async (path: string, init?: RequestInit) => {
      const answer = await ada.go(path, init)
      assert.equal(answer.status, 200, `${path} answers ${answer.status}`)
      return (await answer.json()) as Told // written by tiny_web.py
    }

    it('starts a program and hands on paths, queries, bodies and cookies', async () => {
      const told = await until('the program answers', () => read('/user/ada/tiny/a%20b/c?d=e%2Ff'), 60_000)
      assert.partialDeepStrictEqual(told, { method: 'GET', uri: '/a%20b/c?d=e%2Ff' })
      assert.equal(told.headers['X-Forwarded-Context'], '/user/ada/tiny')
      assert.equal(told.headers.Host, new URL(site.url()).host)

      const posted = await read('/user/ada/tiny/form', { method: 'POST', body: 'ä'.repeat(5_000) })
      assert.equal(posted.body, 'ä'.repeat(5_000))
      assert.equal(ada.cookie('tiny'), 'seen')
      for (const method of ['PUT', 'PATCH'])
        assert.partialDeepStrictEqual(await read('/user/ada/tiny/x', { method, body: '{}' }), { method, body: '{}' })
      assert.equal((await read('/user/ada/tiny/x', { method: 'DELETE' })).method, 'DELETE')
    })

    it('keeps the whole path for a program that wants it, and mends redirects for one that does not', async () => {
      const told = await until('the program answers', () => read('/user/ada/tiny-absolute/x?y=1'), 60_000)
      assert.equal(told.uri, '/user/ada/tiny-absolute/x?y=1')
      const moved = await ada.once('/user/ada/tiny/moved')
      assert.equal(moved.status, 302)
      assert.match(moved.headers.get('location')!, /elsewhere\?found=1$/)
    })

    for (const name of ['tiny', 'tiny-absolute']) {
      it(`carries WebSockets of ${name}, with their subprotocol`, async () => {
        const path = `/user/ada/${name}/echo`
        const socket = new WebSocket(site.url().replace('http', 'ws') + path, 'chat', {
          headers: { cookie: ada.cookieHeader(path), origin: site.url() },
        })
        await once(socket, 'open')
        assert.equal(socket.protocol, 'chat')

        socket.send('so many words')
        const [text, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
        assert.deepEqual([text.toString(), isBinary], ['so many words', false])
        const bytes = Buffer.alloc(200_000, 7)
        socket.send(bytes)
        const [echoed] = (await once(socket, 'message')) as [Buffer]
        assert.ok(bytes.equals(echoed))

        socket.close(1000)
        assert.equal((await once(socket, 'close'))[0], 1000)
      })
    }

    it('shows nothing of it to others', async () => {
      const answer = await fetch(`${site.url()}/user/ada/tiny/`, { redirect: 'manual' })
      assert.ok([302, 403].includes(answer.status), `status ${answer.status}`)
      const socket = new WebSocket(`${site.url().replace('http', 'ws')}/user/ada/tiny/echo`)
      const [error] = (await once(socket, 'error')) as [Error]
      assert.match(error.message, /403|302/)
    })
  })
}
