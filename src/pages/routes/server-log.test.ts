import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type PagesHub, pagesHub, type Visitor } from '../testing.ts'

const key = { user: 'ada', server: '' }
const logTail = `<b>bold</b>\n[E 2026-01-01 10:00:00 ServerApp] it broke\n`
const reason = { code: 'exited_early', message: 'The server ended.', nextStep: 'Look at the log.', logTail }

describe('what a server printed, on pages', () => {
  let pages: PagesHub
  let ada: Visitor
  let teacher: Visitor
  let guest: Visitor
  before(async () => {
    pages = await pagesHub()
    await pages.hub.addUser('ada')
    const signedIn = async (name: string, scopes: string[]) => {
      const user = await pages.hub.addUser(name)
      const roleId = await pages.hub.addRole(`of-${name}`, scopes)
      const holds = { user_id: user.id, role_id: roleId, managed_by_auth: false }
      await pages.hub.database.db.insertInto('user_role_map').values(holds).execute()
      const visitor = pages.visitor()
      await visitor.signIn(name)
      return visitor
    }
    ada = pages.visitor()
    await ada.signIn('ada')
    teacher = await signedIn('teacher', ['admin:servers'])
    guest = await signedIn('guest', ['access:servers!user=ada', 'read:servers!user=ada', 'read:users'])
    pages.servers.log = logTail
  })
  after(() => pages?.close())

  it('stands on the page of a failed start for its owner and for administrators, as text', async () => {
    pages.servers.set(key, { phase: 'failed', since: new Date(), reason })
    for (const visitor of [ada, teacher]) {
      const { body } = await visitor.get('/hub/spawn-pending/ada')

      assert.match(body, /&lt;b&gt;bold&lt;\/b&gt;/)
      assert.match(body, /href="\/hub\/server-log\/ada\?download=1" download/)
      assert.match(body, /data-log-copy/)
      assert.match(body, /js\/log\.js/)
    }
  })

  it('is not shown to who may only visit the server', async () => {
    for (const phase of ['failed', 'stopped'] as const) {
      pages.servers.set(key, { phase, since: new Date(), reason })
      for (const path of ['/hub/user/ada/lab', '/hub/spawn-pending/ada', '/hub/server-log/ada']) {
        const { body } = await guest.get(path)
        assert.doesNotMatch(body, /it broke/, `${phase} ${path}`)
      }
    }
    assert.match((await guest.get('/hub/user/ada/lab')).body, /The server ended\./)
    assert.ok([403, 404].includes((await guest.get('/hub/server-log/ada?download=1')).statusCode))
  })

  it('stands on the page of a server that ended by itself', async () => {
    pages.servers.set(key, { phase: 'stopped', since: new Date(), reason })
    assert.match((await ada.get('/hub/user/ada/lab')).body, /it broke/)
  })

  it('has a page that follows it, and is a file', async () => {
    const page = await ada.get('/hub/server-log/ada')
    const file = await teacher.get('/hub/server-log/ada?download=1')
    const none = await ada.get('/hub/server-log/ada/none')

    assert.match(page.body, /data-events-url="\/hub\/api\/users\/ada\/server\/log\/events"/)
    assert.match(page.body, /role="log"/)
    assert.equal(file.headers['content-type'], 'text/plain; charset=utf-8')
    assert.equal(file.headers['content-disposition'], 'attachment; filename="ada.log"')
    assert.equal(file.headers['cache-control'], 'no-store')
    assert.equal(file.body, logTail)
    assert.equal(none.statusCode, 404)
  })

  it('is nothing to look for where the spawner keeps none', async () => {
    const without = await pagesHub()
    await without.hub.addUser('ada')
    const visitor = without.visitor()
    await visitor.signIn('ada')
    Object.assign(without.servers, { keepsLogs: false, logs: async () => '' })
    const { logTail: _, ...rest } = reason
    without.servers.set(key, { phase: 'failed', since: new Date(), reason: rest })

    assert.match((await visitor.get('/hub/spawn-pending/ada')).body, /keeps no log/)
    assert.match((await visitor.get('/hub/server-log/ada')).body, /keeps no log/)
    assert.equal((await visitor.get('/hub/server-log/ada?download=1')).statusCode, 404)
    await without.close()
  })
})
