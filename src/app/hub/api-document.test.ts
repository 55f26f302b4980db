/** Every endpoint of the hub is in the OpenAPI document, and the document says nothing of others. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { testHub } from '../../access/testing.ts'
import { loadConfig } from '../../config/load-config.ts'
import { silentLogger } from '../../core/runtime.ts'
import { scopeDefinitions } from '../../core/scopes/definitions.ts'
import { createHubServer } from '../../http/hub-server.ts'
import { createHubMetrics } from '../../http/metrics.ts'
import { metricsRoutes } from '../../http/metrics-routes.ts'
import type { OpenApiDocument } from '../../http/openapi-types.ts'
import { type HubParts, registerRoutes } from './register-routes.ts'

const BASE_URL = '/jupyter/'
const ROOT = `${BASE_URL}hub/api`

describe('the OpenAPI document', () => {
  const routes = new Set<string>()
  let server: FastifyInstance
  let document: OpenApiDocument
  let close = async () => {}
  before(async () => {
    const hub = await testHub({ baseUrl: BASE_URL })
    server = createHubServer({ log: silentLogger, baseUrl: BASE_URL })
    server.addHook('onRoute', ({ method, url }) => {
      if (url !== ROOT && !url.startsWith(`${ROOT}/`)) return
      for (const name of [method].flat()) routes.add(`${name} ${url.slice(ROOT.length) || '/'}`)
    })
    const config = await loadConfig({ env: {}, overrides: { baseUrl: { value: BASE_URL, from: 'the test' } } })
    // Routes are declared, not asked: what answers them is not there.
    const absent = { authenticator: { name: 'dummy', login: { kind: 'form' } }, signIn: {}, spawning: {}, routes: {} }
    const { access, database, clock } = hub
    const parts = { ...absent, config, access, database, clock, log: silentLogger, names: {} } as unknown as HubParts
    await server.register(metricsRoutes(createHubMetrics()), { prefix: BASE_URL.slice(0, -1) })
    await registerRoutes(server, parts)
    await server.ready()
    const answer = await server.inject(`${ROOT}/openapi.json`)
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    document = answer.json()
    close = async () => {
      await server.close()
      await hub.close()
    }
  })
  after(() => close())

  it('has every endpoint of the hub, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`),
    )
    const declared = [...routes].map(route => route.replace(/:(\w+)/g, '{$1}').replace('*', '{value}'))
    assert.deepEqual(documented.sort(), declared.sort())
  })

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate({ ...structuredClone(document) })
    assert.equal(valid, true, JSON.stringify(errors))
    assert.equal(validator.version, '3.1')
    assert.ok(validator.resolveRefs(), 'all references lead somewhere')
  })

  it('names every operation once, in words that make a function', () => {
    const ids = operationsOf(document).map(({ operationId }) => operationId)
    assert.deepEqual(
      ids.filter((id, at) => !/^[a-z][A-Za-z]+$/.test(id) || ids.indexOf(id) !== at),
      [],
    )
  })

  it('gives shared schemas a name that a person chose', () => {
    assert.deepEqual(
      Object.keys(document.components.schemas).filter(name => !/^[A-Z][A-Za-z]+$/.test(name)),
      [],
    )
  })

  it('asks for scopes that exist, and tells their names', () => {
    const asked = operationsOf(document).flatMap(({ security }) =>
      security.flatMap(one => [...(one.oauth2 ?? []), ...(one.token ?? [])]),
    )
    assert.deepEqual(
      asked.filter(scope => !Object.hasOwn(scopeDefinitions, scope)),
      [],
    )
    const listUsers = document.paths['/users']!.get!
    assert.match(listUsers.description!, /Needs the scope `list:users`\./)
    assert.deepEqual(listUsers.security[0], { token: ['list:users'] })
  })

  it('is made for the place where the hub lies', () => {
    assert.deepEqual(document.servers, [{ url: ROOT }])
  })

  it('tells how bodies and fields of the address are checked', () => {
    const { requestBody } = document.paths['/users']!.post!
    assert.partialDeepStrictEqual(requestBody!.content['application/json']!.schema, {
      type: 'object',
      required: ['usernames'],
      additionalProperties: false,
      properties: { usernames: { minItems: 1, maxItems: 1000 } },
    })
    const limit = document.paths['/groups']!.get!.parameters!.find(({ name }) => name === 'limit')
    assert.partialDeepStrictEqual(limit, { in: 'query', required: false, schema: { type: 'integer', minimum: 1 } })
    assert.equal(document.paths['/users/{name}']!.post!.requestBody!.required, false)
  })
})

function operationsOf({ paths }: OpenApiDocument) {
  return Object.values(paths).flatMap(path => Object.values(path))
}
