import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type PagesHub, pagesHub, type Visitor } from '../testing.ts'

describe('the page of an invitation', () => {
  let pages: PagesHub
  let bob: Visitor
  const offered = (isAccepted: boolean, ownerId: number) => ({
    owner: { id: ownerId, name: 'ada', admin: false, groups: [] },
    server: { name: 'gpu', state: { phase: 'stopped' as const } },
    scopes: ['access:servers!server=ada/gpu'],
    isAccepted,
  })
  before(async () => {
    pages = await pagesHub()
    const ada = await pages.hub.addUser('ada')
    const { id } = await pages.hub.addUser('bob')
    pages.shares.offers.set('new', offered(false, ada.id))
    pages.shares.offers.set('known', offered(true, ada.id))
    pages.shares.offers.set('own', offered(false, id))
    bob = pages.visitor()
    await bob.signIn('bob')
  })
  after(() => pages.close())

  it('says who offers what, and whether the server runs', async () => {
    const page = await bob.get('/hub/accept-share?code=new')

    assert.equal(page.statusCode, 200)
    assert.match(page.body, /ada invites you/)
    assert.match(page.body, /server gpu at <a href="\/user\/ada\/gpu\/">/)
    assert.match(page.body, /does not run at the moment/)
    assert.match(page.body, /Server ada\/gpu\./)
    assert.match(page.body, /name="code" value="new"/)
  })

  it('tells who accepted before that there is nothing more to do', async () => {
    assert.doesNotMatch((await bob.get('/hub/accept-share?code=new')).body, /accepted this before/)
    assert.match((await bob.get('/hub/accept-share?code=known')).body, /accepted this before/)
  })

  it('explains a code that is missing, unknown, or of a server of one’s own', async () => {
    assert.equal((await bob.get('/hub/accept-share')).statusCode, 400)
    assert.equal((await bob.get('/hub/accept-share?code=gone')).statusCode, 404)
    assert.equal((await bob.get('/hub/accept-share?code=own')).statusCode, 403)
  })

  it('brings a visitor back to the invitation after the login', async () => {
    const answer = await pages.visitor().get('/hub/accept-share?code=new')

    assert.equal(answer.headers.location, '/hub/login?next=%2Fhub%2Faccept-share%3Fcode%3Dnew')
  })

  it('accepts only with the xsrf token, and leads to the server or where next says on this site', async () => {
    const accept = (query: string) => bob.post(`/hub/accept-share${query}`, { code: 'new' })

    const forged = await bob.postBare('/hub/accept-share', { code: 'new' })
    assert.deepEqual([forged.statusCode, pages.shares.accepted], [403, []])
    assert.equal((await accept('')).headers.location, '/user/ada/gpu/')
    assert.equal((await accept('?next=%2Fuser%2Fada%2Fgpu%2Flab')).headers.location, '/user/ada/gpu/lab')
    assert.equal((await accept('?next=https%3A%2F%2Fevil.example%2F')).headers.location, '/user/ada/gpu/')
    assert.deepEqual(pages.shares.accepted, ['bob: new', 'bob: new', 'bob: new'])
  })
})
