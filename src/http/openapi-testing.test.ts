import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { openApiDocument } from './openapi.ts'
import { answerChecker, type SeenAnswer } from './openapi-testing.ts'
import { empty, json, namedSchema, type Operation } from './operation.ts'

describe('the check of answers against the document', () => {
  it('passes what is documented', () => {
    assert.deepEqual(check({}), [])
    assert.deepEqual(check({ status: 404, body: '{"status":404,"message":"No.","code":"no_such_planet"}' }), [])
    assert.deepEqual(check({ method: 'DELETE', status: 204, body: '' }), [])
    assert.deepEqual(check({ url: '/hub/home', status: 418 }), [], 'no part of the API')
  })

  it('tells of a status that is not documented', () => {
    assert.match(check({ status: 202 }).join(), /GET \/planets\/\{name\} answered 202: the status is not documented/)
  })

  it('tells of a field that is not documented, and of one that is missing', () => {
    assert.match(check({ body: '{"name":"mars","moons":2,"mass":1}' }).join(), /additional properties.*mass/)
    assert.match(check({ body: '{"name":"mars"}' }).join(), /required property 'moons'/)
  })

  it('tells of a body of another type, or where none belongs', () => {
    assert.match(check({ contentType: 'text/html' }).join(), /the type text\/html is not documented/)
    assert.match(check({ method: 'DELETE', status: 204 }).join(), /documented is none/)
  })

  it('takes the nearest path for the one that is meant', () => {
    assert.deepEqual(check({ url: '/hub/api/planets/count', body: '9' }), [])
    assert.match(check({ url: '/hub/api/planets/mars', body: '9' }).join(), /must be object/)
  })

  it('knows no more of other addresses than that they are not there', () => {
    assert.deepEqual(check({ url: '/hub/api/stars', status: 404 }), [])
    assert.deepEqual(check({ method: 'PUT', status: 405 }), [])
    assert.match(check({ url: '/hub/api/stars' }).join(), /is not in the document, answered 200/)
  })
})

const planet = namedSchema('Planet', () => z.strictObject({ name: z.string(), moons: z.int() }))
const getPlanet: Operation = { id: 'getPlanet', tag: 'hub', summary: 'Show', answers: { 200: json('It.', planet) } }
const deletePlanet: Operation = { id: 'deletePlanet', tag: 'hub', summary: 'End', answers: { 204: empty('Gone.') } }
const count: Operation = {
  id: 'count',
  tag: 'hub',
  summary: 'Count',
  answers: { 200: json('So many.', () => z.int()) },
}

const checker = answerChecker(
  openApiDocument(
    [
      { path: '/planets/:name', method: 'get', operation: getPlanet },
      { path: '/planets/:name', method: 'delete', operation: deletePlanet },
      { path: '/planets/count', method: 'get', operation: count },
    ],
    { baseUrl: '/', version: '1', scopes: {} },
  ),
)

function check(answer: Partial<SeenAnswer>): string[] {
  const body = '{"name":"mars","moons":2}'
  return checker({
    method: 'GET',
    url: '/hub/api/planets/mars?x',
    status: 200,
    contentType: JSON_UTF8,
    body,
    ...answer,
  })
}

const JSON_UTF8 = 'application/json; charset=utf-8'
