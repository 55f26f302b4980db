/** Unmodified single-user servers of JupyterHub 4, 5 and 6: start, sign-in by OAuth, their own API, activity, stop. */
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { pythonOf, referencePython } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const pythonWith = (version: string) => (version === '6' ? referencePython() : pythonOf('reference-python.sh', version))

for (const version of ['4.1.6', '5.4.0', '6']) {
  describe(`jupyterhub-singleuser ${version}`, () => {
    let orrery: OrreryProcess | undefined
    after(async () => {
      await orrery?.stop()
    })

    it('starts, lets its owner in by OAuth and nobody else, and stops', async () => {
      orrery = await startOrrery({
        config: {
          authenticator: { kind: 'dummy' },
          access: { allowAll: true },
          servers: { cmd: [join(dirname(pythonWith(version)), 'jupyterhub-singleuser')] },
        },
      })
      const { url } = orrery
      const vera = new HttpSession(url)
      await vera.signIn('vera', 'any')
      const page = await vera.go('/hub/spawn/vera')
      assert.equal(page.status, 200)

      const model = await until(
        'the server is ready',
        async () => {
          const answer = await vera.go('/hub/api/users/vera', { headers: { 'sec-fetch-mode': 'navigate' } })
          const { servers } = (await answer.json()) as { servers: Record<string, { ready: boolean }> }
          return servers['']?.ready && servers['']
        },
        120_000,
      )
      assert.partialDeepStrictEqual(model, { ready: true, pending: null, url: '/user/vera/' })

      const mine = await vera.go('/user/vera/lab')
      assert.equal(mine.status, 200)
      assert.match(mine.at, /\/user\/vera\/lab/)
      const status = await vera.go('/user/vera/api/status')
      assert.equal(status.status, 200)

      const other = new HttpSession(url)
      await other.signIn('wim', 'any')
      const refused = await other.go('/user/vera/lab')
      assert.equal(refused.status, 403)

      const nobody = await new HttpSession(url).once('/user/vera/api/contents')
      assert.ok([302, 403].includes(nobody.status), `status ${nobody.status}`)

      const auth = { username: 'vera', password: 'any' }
      const asked = await fetch(`${url}/hub/api/users/vera/tokens`, { method: 'POST', body: JSON.stringify({ auth }) })
      const { token } = (await asked.json()) as { token: string }
      const stopped = await fetch(`${url}/hub/api/users/vera/server`, {
        method: 'DELETE',
        headers: { authorization: `token ${token}` },
      })
      assert.ok([202, 204].includes(stopped.status), `status ${stopped.status}`)
      await until('the server is gone', async () => (await vera.go('/user/vera/api/status')).status === 424)
    })
  })
}
