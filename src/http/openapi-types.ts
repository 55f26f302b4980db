/** The parts of OpenAPI 3.1 that the document uses. https://spec.openapis.org/oas/v3.1.1.html */
import type { Operation } from './operation.ts'

export interface DeclaredRoute {
  /** Below the API's root, in fastify's spelling: `/users/:name`. */
  readonly path: string
  /** Lower case. */
  readonly method: string
  readonly operation: Operation
}

export type JsonSchema = { [keyword: string]: unknown }
/** By name. */
export type Schemas = Record<string, JsonSchema>

export interface OpenApiDocument {
  openapi: '3.1.1'
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, OpenApiOperation>>
  components: { schemas: Schemas; securitySchemes: Record<string, JsonSchema> }
}

export interface OpenApiOperation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security: Record<string, string[]>[]
  parameters?: OpenApiParameter[]
  requestBody?: { required: boolean; content: Record<string, OpenApiMedia> }
  responses: Record<string, { description: string; content?: Record<string, OpenApiMedia> }>
}

export interface OpenApiParameter {
  name: string
  in: 'path' | 'query'
  required: boolean
  description?: string
  schema: JsonSchema
  example?: unknown
}

export interface OpenApiMedia {
  schema?: JsonSchema
  example?: unknown
}
