import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { scopeDefinitions } from '../core/scopes/definitions.ts'
import { type TestApi, testApi } from '../features/testing.ts'
import { type ApiDocument, lazyDocument } from '../http/api-document.ts'
import { type PagesHub, pagesHub } from './testing.ts'

describe('the page of the REST API', () => {
  let api: TestApi
  let pages: PagesHub
  let read: () => ApiDocument
  let html: string
  before(async () => {
    api = await testApi()
    read = lazyDocument(api.server, { baseUrl: '/', version: '1', scopes: scopeDefinitions })
    pages = await pagesHub({ apiDocument: read })
    await pages.hub.addUser('ada')
    const answer = await pages.visitor().get('/hub/api/docs')
    assert.equal(answer.statusCode, 200, 'also for who has not signed in')
    html = answer.body
  })
  after(async () => {
    await pages.close()
    await api.close()
  })

  it('has every operation, to be linked to', () => {
    const ids = Object.values(read().document.paths).flatMap(path => Object.values(path).map(one => one.operationId))
    assert.ok(ids.length > 50)
    assert.deepEqual(
      ids.filter(id => !html.includes(`id="${id}"`)),
      [],
    )
  })

  it('tells of each what it needs, takes and answers', () => {
    const from = html.indexOf('id="listUsers"')
    const part = html
      .slice(from, html.indexOf('</details>', from))
      .replace(/<[^>]+>/g, '')
      .replaceAll('&quot;', '"')
    assert.match(part, /Needs the scope list:users\./)
    assert.match(part, /limit\s+in the query, integer, 1 at least/)
    assert.match(part, /state\s+in the query, "active" or "ready" or "inactive"/)
    assert.match(part, /200\s+list of User or object/)
    assert.match(part, /403\s+Error/)
  })

  it('has a place for every shape that it links to', () => {
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map(match => match[1]!)
    assert.deepEqual(
      links.filter(target => !html.includes(`id="${target}"`)),
      [],
    )
    assert.doesNotMatch(html, /\[object Object\]|undefined/)
  })

  it('is a page: no script but our own, and errors are pages', async () => {
    const answer = await pages.visitor().get('/hub/api/docs')
    assert.match(String(answer.headers['content-security-policy']), /^default-src 'self'/)
    assert.match(String(answer.headers['content-type']), /^text\/html/)
    assert.doesNotMatch(html, /<script(?! (type="module" )?src=)/)
  })

  it('can be reached from the page of tokens', async () => {
    const ada = pages.visitor()
    await ada.signIn('ada')
    assert.match((await ada.get('/hub/token')).body, /href="\/hub\/api\/docs"/)
  })
})
