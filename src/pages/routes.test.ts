import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { profileList } from '../config/profiles-option.ts'
import { HubError } from '../core/errors.ts'
import { SpawnError } from '../core/reason.ts'
import { profilesForm } from '../spawning/profiles/profiles-form.ts'
import { type PagesHub, pagesHub, type Visitor } from './testing.ts'

const key = { user: 'ada', server: '' }
const ready = { phase: 'ready', since: new Date(), url: '/user/ada/' } as const

describe('pages', () => {
  let pages: PagesHub
  let ada: Visitor
  before(async () => {
    pages = await pagesHub()
    await pages.hub.addUser('ada')
    await pages.hub.addUser('bob')
    await pages.hub.addUser('root', { admin: true })
    ada = pages.visitor()
    await ada.signIn('ada')
  })
  beforeEach(() => {
    pages.servers.set(key, { phase: 'stopped' })
    pages.servers.asked.length = 0
    pages.servers.expected.length = 0
    pages.servers.form = undefined
    pages.servers.fault = undefined
  })
  after(() => pages.close())

  describe('signing in', () => {
    it('sends a visitor to the login page and back to where they were going', async () => {
      const visitor = pages.visitor()

      const home = await visitor.get('/hub/home?x=1')
      const login = await visitor.signIn('ada', undefined, '?next=%2Fhub%2Fhome%3Fx%3D1')

      assert.equal(home.headers.location, '/hub/login?next=%2Fhub%2Fhome%3Fx%3D1')
      assert.equal(login.statusCode, 302)
      assert.equal(login.headers.location, '/hub/home?x=1')
    })

    it('tells a wrong password on the form, with status 403 and the name kept', async () => {
      const answer = await pages.visitor().signIn('ada', 'wrong')

      assert.equal(answer.statusCode, 403)
      assert.match(answer.body, /The name or the password is not right\./)
      assert.match(answer.body, /name="username" value="ada"/)
    })

    it('never follows next to another site', async () => {
      for (const next of ['https://evil.example/', '//evil.example', '///evil.example', 'javascript:alert(1)']) {
        const answer = await pages.visitor().signIn('ada', undefined, `?next=${encodeURIComponent(next)}`)
        assert.equal(answer.headers.location, '/hub/spawn', next)
      }
    })

    it('refuses a form without the xsrf token by showing a fresh one', async () => {
      const answer = await pages.visitor().postBare('/hub/login', { username: 'ada', password: 'x' })

      assert.equal(answer.statusCode, 403)
      assert.match(answer.body, /open too long/)
    })

    it('leads to the running server, else to the start of it', async () => {
      const stopped = await ada.get('/hub/login')
      pages.servers.set(key, ready)
      const running = await ada.get('/hub/')

      assert.equal(stopped.headers.location, '/hub/spawn')
      assert.equal(running.headers.location, '/user/ada/')
    })

    it('signs out', async () => {
      const visitor = pages.visitor()
      await visitor.signIn('ada')

      const answer = await visitor.get('/hub/logout')

      assert.equal(answer.headers.location, '/hub/login?signed_out=1')
      assert.equal((await visitor.get('/hub/home')).statusCode, 302)
    })
  })

  describe('home', () => {
    it('offers what fits the state of the server', async () => {
      const stopped = await ada.get('/hub/home')
      pages.servers.set(key, ready)
      const running = await ada.get('/hub/home')

      assert.match(stopped.body, /href="\/hub\/spawn\/ada" data-busy="Starting…">Start</)
      assert.match(running.body, /href="\/user\/ada\/">Open</)
      assert.match(running.body, /action="\/hub\/stop\/ada"/)
    })

    it('lets a start be prepared while no server runs', async () => {
      await ada.get('/hub/home')
      assert.deepEqual(pages.servers.expected, ['ada'])

      pages.servers.set(key, ready)
      await ada.get('/hub/home')
      assert.deepEqual(pages.servers.expected, ['ada'])
    })

    it('stops a server by a form', async () => {
      pages.servers.set(key, ready)

      const answer = await ada.post('/hub/stop/ada', {})

      assert.equal(answer.headers.location, '/hub/home')
      assert.deepEqual(pages.servers.asked, ['stop ada/ by ada'])
    })

    it('stops nothing without the xsrf token', async () => {
      pages.servers.set(key, ready)

      const answer = await ada.postBare('/hub/stop/ada', {})

      assert.equal(answer.statusCode, 403)
      assert.deepEqual(pages.servers.asked, [])
    })

    it("hides other people's servers as if they did not exist", async () => {
      pages.servers.set({ user: 'bob', server: '' }, { ...ready, url: '/user/bob/' })

      const stop = await ada.post('/hub/stop/bob', {})
      const nobody = await ada.post('/hub/stop/nobody', {})

      assert.deepEqual([stop.statusCode, nobody.statusCode], [404, 404])
      assert.deepEqual(pages.servers.asked, [])
    })

    it('deletes a named server after asking, and only a stopped one', async () => {
      const gpu = { user: 'ada', server: 'gpu' }
      pages.servers.set(gpu, { ...ready, url: '/user/ada/gpu/' })
      const early = await ada.post('/hub/delete-server/ada/gpu', {})
      pages.servers.set(gpu, { phase: 'stopped' })

      const question = await ada.get('/hub/delete-server/ada/gpu')
      const answer = await ada.post('/hub/delete-server/ada/gpu', {})

      assert.equal(early.statusCode, 400)
      assert.match(question.body, /Delete gpu\?/)
      assert.equal(answer.statusCode, 303)
      assert.deepEqual(pages.servers.asked, ['remove ada/gpu'])
    })
  })

  describe('starting', () => {
    it('starts at once when there is no form, keeping next for afterwards', async () => {
      const answer = await ada.get('/hub/spawn?next=%2Fuser%2Fada%2Flab%2Ftree%2Fx.ipynb')

      assert.equal(answer.headers.location, '/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab%2Ftree%2Fx.ipynb')
      assert.deepEqual(pages.servers.asked, ['start ada/ by ada null'])
    })

    it('takes options from the address', async () => {
      const stray = await ada.get('/hub/spawn/ada?utm_source=mail')
      pages.servers.set(key, { phase: 'stopped' })
      await ada.get('/hub/spawn/ada?opt-image=small')
      pages.servers.set(key, { phase: 'stopped' })
      pages.servers.form = { html: '', parse: form => ({ image: form.image?.[0] ?? '' }) }
      await ada.get('/hub/spawn/ada?image=large')

      assert.equal(stray.statusCode, 302)
      assert.deepEqual(pages.servers.asked, [
        'start ada/ by ada null',
        'start ada/ by ada {"image":["small"]}',
        'start ada/ by ada {"image":"large"}',
      ])
    })

    it('shows the options form and hands its answer to the spawner', async () => {
      pages.servers.form = { html: '<input name="image">', parse: form => ({ image: form.image?.[0] ?? '' }) }

      const page = await ada.get('/hub/spawn/ada')
      const answer = await ada.post('/hub/spawn/ada', { image: 'small' })

      assert.match(page.body, /<input name="image">/)
      assert.deepEqual(pages.servers.expected, ['ada'])
      assert.equal(answer.headers.location, '/hub/spawn-pending/ada')
      assert.deepEqual(pages.servers.asked, ['start ada/ by ada {"image":"small"}'])
    })

    it('tells a refused start on the form, with its status', async () => {
      pages.servers.form = { html: '<input name="image">', parse: () => ({}) }
      pages.servers.fault = new SpawnError(
        { code: 'no_such_image', message: 'There is no image huge.', nextStep: 'Take small.' },
        { status: 400 },
      )

      const answer = await ada.post('/hub/spawn/ada', { image: 'huge' })

      assert.equal(answer.statusCode, 400)
      assert.match(answer.body, /There is no image huge\..*Take small\./s)
    })

    it('marks what is wrong in the form of profiles, and keeps what was entered', async () => {
      const [profile] = profileList.parse([
        {
          name: 'small',
          label: 'Small <b>',
          options: { memory: { type: 'number', label: 'Memory', min: 1, max: 4, default: 2, setting: 'cpuLimit' } },
        },
      ])
      pages.servers.form = profilesForm([profile!], { id: 1, name: 'ada', admin: false, groups: [] }, undefined)
      const first = await ada.get('/hub/spawn')
      const [message, fields] = ['memory: At most 4.', { memory: 'At most 4.' }]
      pages.servers.fault = new HubError('profile_refused', { status: 400, message, fields })

      const answer = await ada.post('/hub/spawn', { profile: 'small', 'small.memory': '9' })

      assert.match(first.body, /Small &lt;b&gt;/)
      assert.doesNotMatch(first.body, /aria-invalid/)
      assert.equal(answer.statusCode, 400)
      assert.match(answer.body, /value="9" min="1" max="4".*aria-invalid="true"/)
      assert.match(answer.body, /<small class="wrong" id="small.memory-fault">At most 4\.<\/small>/)
    })

    it('shows a refused start without a form as an error page', async () => {
      pages.servers.fault = new HubError('active_server_limit', { status: 429, message: 'All places are taken.' })

      const answer = await ada.get('/hub/spawn')

      assert.equal(answer.statusCode, 429)
      assert.match(answer.body, /All places are taken\./)
    })

    it('starts nothing for a HEAD', async () => {
      const answer = await pages.app.inject({ method: 'HEAD', url: '/hub/spawn', headers: { cookie: ada.cookies } })

      assert.equal(answer.statusCode, 405)
      assert.deepEqual(pages.servers.asked, [])
    })

    it('refuses new servers with names that cannot be', async () => {
      for (const name of ['UPPER', 'a--b', 'a%2fb', 'ä', 'x'.repeat(31)]) {
        const answer = await ada.get(`/hub/spawn/ada/${name}`)
        assert.equal(answer.statusCode, 400, name)
      }
      assert.deepEqual(pages.servers.asked, [])
    })

    it('goes on to a server that is there before its page could be', async () => {
      pages.servers.quick = ready
      const started = await ada.get('/hub/spawn')
      const next = await ada.get(String(started.headers.location))

      assert.equal(started.headers.location, '/hub/spawn-pending/ada')
      assert.equal(next.headers.location, '/user/ada/')
    })

    it('follows a start, and goes on when it is ready', async () => {
      pages.servers.set(key, { phase: 'spawning', since: new Date(), percent: 40, message: 'Starting the process' })
      pages.servers.events = [{ id: 1, at: new Date(), percent: 0, message: 'Server requested' }]
      const pending = await ada.get('/hub/spawn-pending/ada')
      pages.servers.set(key, ready)
      const done = await ada.get('/hub/spawn-pending/ada?next=%2Fuser%2Fada%2Flab')

      assert.equal(pending.statusCode, 200)
      assert.match(pending.body, /<noscript><meta http-equiv="refresh"/)
      assert.match(pending.body, /data-progress-url="\/hub\/api\/users\/ada\/server\/progress\?_xsrf=/)
      assert.match(pending.body, /Starting the process/)
      assert.equal(done.headers.location, '/user/ada/lab')
    })

    it('tells why a start failed, with the next step and the log, and status 500', async () => {
      const reason = {
        code: 'command_not_found',
        message: 'jupyterhub-singleuser was not found.',
        nextStep: 'Install it.',
        logTail: 'sh: <not> found',
      }
      pages.servers.set(key, { phase: 'failed', since: new Date(), reason })

      const answer = await ada.get('/hub/spawn-pending/ada')

      assert.equal(answer.statusCode, 500)
      assert.match(answer.body, /jupyterhub-singleuser was not found\..*Install it\./s)
      assert.match(answer.body, /sh: &lt;not&gt; found/)
    })
  })

  describe('visits to servers that do not run', () => {
    it('answers 424 with a page that starts the server', async () => {
      const answer = await ada.get('/hub/user/ada/lab?x=1', { accept: 'text/html' })

      assert.equal(answer.statusCode, 424)
      assert.match(answer.body, /href="\/hub\/spawn\/ada\?next=%2Fhub%2Fuser%2Fada%2Flab%3Fx%3D1"/)
      assert.deepEqual(pages.servers.expected, ['ada'])
    })

    it('answers API calls in JSON, as JupyterLab expects', async () => {
      const api = await ada.get('/hub/user/ada/api/status')
      const json = await ada.get('/hub/user/ada/lab', { accept: 'application/json' })
      const post = await pages.visitor().postBare('/hub/user/ada/api/kernels', {})

      for (const answer of [api, json, post]) {
        assert.equal(answer.statusCode, 424)
        assert.match(answer.headers['content-type'] as string, /^application\/json/)
      }
      const place = 'JupyterHub server no longer running at /user/ada/api/status.'
      assert.equal(api.json().message, `${place} Restart the server at http://localhost:80/hub/spawn/ada`)
    })

    it('leads to a start or failure in progress', async () => {
      pages.servers.set(key, { phase: 'spawning', since: new Date(), percent: 1, message: 'x' })

      const answer = await ada.get('/hub/user/ada/lab')

      assert.equal(answer.statusCode, 303)
      assert.equal(answer.headers.location, '/hub/spawn-pending/ada?next=%2Fhub%2Fuser%2Fada%2Flab')
    })

    it('goes back to a server that runs, counting, and not for ever', async () => {
      pages.servers.set(key, ready)

      const first = await ada.get('/hub/user/ada/lab?x=1')
      const last = await ada.get('/hub/user/ada/lab?redirects=4')

      assert.equal(first.headers.location, '/user/ada/lab?x=1&redirects=1')
      assert.equal(last.statusCode, 500)
    })

    it("hides other people's servers", async () => {
      assert.equal((await ada.get('/hub/user/bob/lab')).statusCode, 404)
      assert.equal((await ada.get('/hub/user/nobody/lab')).statusCode, 404)
    })

    it('moves addresses outside the hub inside, and user-redirect to the own server', async () => {
      const outside = await ada.get('/user/ada/lab?x=1')
      const redirect = await ada.get('/hub/user-redirect/lab/tree/a%20b.ipynb?x=1')

      assert.equal(outside.headers.location, '/hub/user/ada/lab?x=1')
      assert.equal(redirect.headers.location, '/hub/spawn/ada?next=%2Fuser%2Fada%2Flab%2Ftree%2Fa%2520b.ipynb%3Fx%3D1')
    })
  })

  describe('tokens', () => {
    it('makes one by a form, shows it once, and revokes it', async () => {
      const made = await ada.post('/hub/token', { note: 'report', expires_in: '3600', scopes: 'read:users!user=ada' })
      const again = await ada.get('/hub/token')
      const revoked = await ada.post('/hub/token/revoke', { token_id: 'a1' })

      assert.match(made.body, /secret-1/)
      assert.equal(made.headers['cache-control'], 'no-store')
      assert.doesNotMatch(again.body, /secret-1/)
      assert.match(again.body, /report/)
      assert.equal(revoked.statusCode, 303)
      assert.deepEqual(pages.tokens.made, [
        { user: 'ada', note: 'report', expiresInSeconds: 3600, scopes: ['read:users!user=ada'] },
      ])
      assert.deepEqual(pages.tokens.own, [])
    })

    it('keeps what was typed when a scope is wrong', async () => {
      const answer = await ada.post('/hub/token', { note: 'report', expires_in: '', scopes: 'no:such' })

      assert.equal(answer.statusCode, 400)
      assert.match(answer.body, /There is no scope no:such\./)
      assert.match(answer.body, /value="no:such"/)
    })
  })

  describe('the admin page', () => {
    it('is for administrators', async () => {
      const answer = await ada.get('/hub/admin')

      assert.equal(answer.statusCode, 403)
      assert.match(answer.body, /admin-ui/)
    })

    it('says what to do when its program was not built', async () => {
      const root = pages.visitor()
      await root.signIn('root')

      const answer = await root.get('/hub/admin/groups')

      assert.equal(answer.statusCode, 200)
      assert.match(answer.body, /npm run build:ui/)
      assert.match(answer.body, /<code>orrery user<\/code>/)
      assert.doesNotMatch(answer.body, /ui\/admin\.js/)
    })

    it('loads its program under an address that changes with it, and says what to do without JavaScript', async t => {
      const uiFolder = mkdtempSync(join(tmpdir(), 'orrery-ui-'))
      for (const file of ['admin.js', 'admin.css']) writeFileSync(join(uiFolder, file), '/* built */')
      writeFileSync(join(uiFolder, 'admin.js.br'), 'smaller')
      const built = await pagesHub({ renderer: { uiFolder } })
      t.after(async () => {
        await built.close()
        rmSync(uiFolder, { recursive: true })
      })
      await built.hub.addUser('root', { admin: true })
      const root = built.visitor()
      await root.signIn('root')

      const page = await root.get('/hub/admin')
      const script = /<script type="module" src="(\/hub\/static\/ui\/admin\.js\?v=[0-9a-f]{16})">/.exec(page.body)?.[1]
      const program = await root.get(script!)

      assert.equal(program.body, '/* built */')
      const compressed = await root.get(script!, { 'accept-encoding': 'gzip, br' })
      assert.deepEqual([compressed.body, compressed.headers['content-encoding']], ['smaller', 'br'])
      assert.match(compressed.headers.vary as string, /accept-encoding/i)
      assert.match(compressed.headers['content-type'] as string, /javascript/)
      assert.match(program.headers['cache-control'] as string, /immutable/)
      assert.match(page.body, /<noscript>.*needs JavaScript.*<\/noscript>/s)
      assert.doesNotMatch(page.body, /npm run/)
    })
  })

  describe('everything else', () => {
    it('answers probes with an empty 200', async () => {
      for (const method of ['GET', 'HEAD'] as const) {
        for (const url of ['/hub/health', '/hub/api/health']) {
          const answer = await pages.app.inject({ method, url })
          assert.deepEqual([answer.statusCode, answer.body], [200, ''])
        }
      }
    })

    it('serves files that may be kept for ever under an address with their hash', async () => {
      const login = await pages.visitor().get('/hub/login')
      const url = /href="([^"]*style\.css[^"]*)"/.exec(login.body)![1]!

      const hashed = await pages.app.inject(url)
      const plain = await pages.app.inject('/hub/static/style.css')

      assert.match(hashed.headers['cache-control'] as string, /immutable/)
      assert.doesNotMatch(plain.headers['cache-control'] as string, /immutable/)
      assert.match(plain.headers['content-type'] as string, /^text\/css/)
    })

    it("makes the proxy's error pages, leading only to addresses of this site", async () => {
      const own = await pages.app.inject('/hub/error/503?url=%2Fuser%2Fada%2Flab')
      const foreign = await pages.app.inject('/hub/error/503?url=%2F%2Fevil.example%2Fuser%2F')

      assert.equal(own.statusCode, 200)
      assert.match(own.body, /href="\/user\/ada\/lab">Try again/)
      assert.doesNotMatch(foreign.body, /evil/)
    })

    it('takes reports of the content security policy from users', async () => {
      const report = (cookie: string) =>
        pages.app.inject({
          method: 'POST',
          url: '/hub/security/csp-report',
          headers: { cookie, 'content-type': 'application/csp-report' },
          payload: JSON.stringify({ 'csp-report': { 'blocked-uri': 'inline' } }),
        })

      assert.equal((await report(ada.cookies)).statusCode, 200)
      assert.equal((await report('')).statusCode, 403)
    })

    it('shows unknown addresses as a page with a reference', async () => {
      const answer = await ada.get('/hub/nothing-here')

      assert.equal(answer.statusCode, 404)
      assert.match(answer.body, /Nothing turns round this address/)
      assert.match(answer.body, /<code>[0-9a-f]{12}<\/code>/)
    })
  })
})

describe('pages below a prefix', () => {
  it('have all their addresses there', async () => {
    const pages = await pagesHub({ settings: { baseUrl: '/jupyter/' } })
    await pages.hub.addUser('ada')
    const ada = pages.visitor()

    const login = await ada.signIn('ada')
    const home = await ada.get('/jupyter/hub/home')
    const outside = await ada.get('/jupyter/user/ada/lab')
    await pages.close()

    assert.equal(login.headers.location, '/jupyter/hub/spawn')
    assert.match(home.body, /href="\/jupyter\/hub\/static\/style\.css/)
    assert.equal(outside.headers.location, '/jupyter/hub/user/ada/lab')
  })
})
