/** Collects what the routes of a server declare, and makes the document of it when somebody first asks. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { type DocumentSettings, openApiDocument } from './openapi.ts'
import type { DeclaredRoute, OpenApiDocument } from './openapi-types.ts'
import { json, type Operation } from './operation.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Everything below `/hub/api`, in the order of declaration. */
    readonly declaredRoutes: readonly DeclaredRoute[]
  }
}

export interface ApiDocument {
  readonly document: OpenApiDocument
  readonly text: string
}

/** Notes every route below `<baseUrl>hub/api` that says what it does. `/hub/api` is `/` without its slash. */
export function collectOperations(server: FastifyInstance, baseUrl: string): void {
  const root = `${baseUrl}hub/api`
  const declared: DeclaredRoute[] = []
  server.decorate('declaredRoutes', declared)
  server.addHook('onRoute', ({ url, method, config }) => {
    const operation = config?.operation
    if (!operation || !url.startsWith(root)) return
    const path = url.slice(root.length) || '/'
    for (const name of [method].flat().map(text => text.toLowerCase())) {
      if (!declared.some(route => route.path === path && route.method === name))
        declared.push({ path, method: name, operation })
    }
  })
}

/** Made once, and not before it is asked for: the start of the hub does not wait for it. */
export function lazyDocument(server: FastifyInstance, settings: DocumentSettings): () => ApiDocument {
  let made: ApiDocument | undefined
  return () => {
    if (!made) {
      const document = openApiDocument(server.declaredRoutes, settings)
      made = { document, text: JSON.stringify(document) }
    }
    return made
  }
}

const readDocument: Operation = {
  id: 'getOpenApi',
  tag: 'hub',
  summary: 'This document',
  description: 'The description of the API in OpenAPI 3.1.',
  answers: { 200: json('The document.', () => z.looseObject({ openapi: z.string() })) },
}

/** `GET /hub/api/openapi.json`, open to everybody as the root of the API is. */
export function documentRoute(document: () => ApiDocument): FastifyPluginAsync {
  return async server => {
    server.get('/hub/api/openapi.json', { config: { operation: readDocument } }, async (_request, reply) =>
      reply.type('application/json').send(document().text),
    )
  }
}
