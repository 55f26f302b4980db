/** Hubs whose servers are web programs of their own, and services that sites install beside them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { agree } from '../../support/consent.ts'
import { freePorts } from '../../support/free-ports.ts'
import { HttpSession } from '../../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../../support/orrery-process.ts'
import { personWithServer, tokenOf } from '../../support/own-server.ts'
import { clientsPython } from '../../support/python-env.ts'
import { until } from '../../support/until.ts'

describe('programs that sites run on a hub', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-clients-'))
  let orrery: OrreryProcess

  before(async () => {
    const python = clientsPython()
    const bin = dirname(python)
    const program = join(folder, 'tiny_web.py')
    copyFileSync(join(import.meta.dirname, '../../support/tiny_web.py'), program)
    chmodSync(folder, 0o777) // services keep their files there, as the hub's user
    const [announcementPort, ngsharePort] = await freePorts(2)
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['boss'] },
        servers: {
          cmd: [join(bin, 'jupyter-standaloneproxy'), '--', python, program, '{port}'],
          startTimeout: '2m',
          httpTimeout: '2m',
        },
        services: [
          {
            name: 'announcement',
            url: `http://127.0.0.1:${announcementPort}`,
            cwd: folder,
            command: [python, '-m', 'jupyterhub_announcement', `--AnnouncementService.port=${announcementPort}`],
          },
          {
            name: 'ngshare',
            url: `http://127.0.0.1:${ngsharePort}`,
            cwd: folder,
            command: [
              ...[python, '-m', 'ngshare', '--admins', 'boss', '--storage', join(folder, 'files')],
              ...['--database', `sqlite:///${join(folder, 'ngshare.db')}`],
            ],
          },
        ],
        roles: [{ name: 'user', scopes: ['self', 'access:services'] }],
      },
    })
    const answers = async (path: string) => (await fetch(orrery.url + path, { redirect: 'manual' })).status < 500
    await until('ngshare answers', () => answers('/services/ngshare/healthz'), 60_000)
    await until('announcement answers', () => answers('/services/announcement/latest'), 60_000)
  })
  after(async () => {
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const person = async (name: string) => {
    const session = new HttpSession(orrery.url)
    await session.signIn(name, 'any')
    return session
  }

  it('jupyter-standaloneproxy is a server in place of jupyterhub-singleuser', async () => {
    const ada = await personWithServer(orrery.url, 'ada')
    const answer = await ada.go('/user/ada/any/page?q=1')
    assert.equal(answer.at, `${orrery.url}/user/ada/any/page?q=1`)
    assert.partialDeepStrictEqual(await answer.json(), { method: 'GET', uri: '/any/page?q=1' })

    const socket = new WebSocket(`${orrery.url.replace('http', 'ws')}/user/ada/echo`, {
      headers: { cookie: ada.cookieHeader('/user/ada/echo'), origin: orrery.url },
    })
    await once(socket, 'open')
    socket.send('hello')
    assert.equal(String((await once(socket, 'message'))[0]), 'hello')
    socket.close()

    const stranger = await (await person('bea')).go('/user/ada/any/page')
    assert.equal(stranger.status, 403)
  })

  it('jupyterhub-announcement lets administrators write, and everybody read', async () => {
    const open = async (name: string) => {
      const session = await person(name)
      const agreed = await agree(session, await session.go('/services/announcement/'))
      const page = await session.go(agreed.headers.get('location')!)
      assert.deepEqual([page.status, page.at], [200, `${orrery.url}/services/announcement/`])
      const xsrf = /name="_xsrf" value="([^"]*)"/.exec(await page.text())?.[1]
      const body = new URLSearchParams({
        announcement: `maintenance, says ${name}`,
        _xsrf: xsrf ?? session.cookie('_xsrf')!,
      })
      return session.go('/services/announcement/update', { method: 'POST', body })
    }

    assert.match(await (await open('boss')).text(), /maintenance, says boss/)
    assert.equal((await open('bea')).status, 403)
    const latest = await fetch(`${orrery.url}/services/announcement/latest`)
    assert.partialDeepStrictEqual(await latest.json(), { announcement: 'maintenance, says boss', user: 'boss' })
  })

  it('ngshare knows teachers and students by their tokens', async () => {
    const ask = async (name: string, method: string, path: string) => {
      const authorization = `token ${await tokenOf(orrery.url, name)}`
      return fetch(`${orrery.url}/services/ngshare/${path}`, { method, headers: { authorization } })
    }
    const added = await ask('boss', 'POST', 'course/physics?instructors=["ada"]')
    assert.partialDeepStrictEqual(await added.json(), { success: true })
    assert.equal((await ask('bea', 'POST', 'course/chemistry')).status, 403)
    assert.partialDeepStrictEqual(await (await ask('ada', 'GET', 'courses')).json(), { courses: ['physics'] })
  })
})
