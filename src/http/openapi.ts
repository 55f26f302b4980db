/** The OpenAPI 3.1 document, made of what the routes declare. https://spec.openapis.org/oas/v3.1.1.html */
import { z } from 'zod'
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import { faultSchema, faultsOf } from './openapi-faults.ts'
import { securityOf, securitySchemes } from './openapi-security.ts'
import { API_TAGS, type ApiTag } from './openapi-tags.ts'
import type {
  DeclaredRoute,
  JsonSchema,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiParameter,
  Schemas,
} from './openapi-types.ts'
import { type Answer, madeSchema, type Operation } from './operation.ts'
import { PATH_PARTS, type PathPart } from './path-parts.ts'

export interface DocumentSettings {
  /** Begins and ends with a slash. */
  readonly baseUrl: string
  readonly version: string
  readonly scopes: ScopeDefinitions
}

export function openApiDocument(routes: readonly DeclaredRoute[], settings: DocumentSettings): OpenApiDocument {
  const schemas: Schemas = {}
  const paths: OpenApiDocument['paths'] = {}
  for (const route of [...routes].sort(byPath)) {
    const path = templateOf(route.path)
    paths[path] ??= {}
    paths[path][route.method] = operationOf(route, schemas)
  }
  const used = new Set(routes.map(route => route.operation.tag))
  return {
    openapi: '3.1.1',
    info: {
      title: 'Orrery',
      version: settings.version,
      description: `The REST API of Orrery, which is that of JupyterHub 6. It is made of the schemas that check requests. Answers may gain fields in later versions; ignore those that you do not know.`,
      license: { name: 'BSD-3-Clause', identifier: 'BSD-3-Clause' },
    },
    servers: [{ url: `${settings.baseUrl}hub/api` }],
    tags: Object.entries(API_TAGS)
      .filter(([name]) => used.has(name as ApiTag))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas, securitySchemes: securitySchemes(settings.baseUrl, settings.scopes) },
  }
}

/** `/users/:name` becomes `/users/{name}`; the rest of a path is a parameter like the others. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace('*', '{value}')
}

function byPath(a: DeclaredRoute, b: DeclaredRoute): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : METHODS.indexOf(a.method) - METHODS.indexOf(b.method)
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

function operationOf({ path, method, operation }: DeclaredRoute, schemas: Schemas): OpenApiOperation {
  const parameters = [...pathParameters(path, operation), ...queryParameters(operation, schemas)]
  const faults = faultsOf(operation, { hasParams: path.includes(':'), hasBody: operation.body !== undefined })
  const description = [operation.description, needed(operation)].filter(Boolean).join('\n\n')
  return {
    operationId: method === 'head' ? `${operation.id}Head` : operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(description && { description }),
    security: securityOf(operation),
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body && { requestBody: requestBody(operation, madeSchema(operation.body), schemas) }),
    responses: responsesOf(operation, faults, method === 'head', schemas),
  }
}

function responsesOf(operation: Operation, faults: Record<number, string>, isHead: boolean, schemas: Schemas) {
  const shape = operation.page ? FAULT_PAGE : FAULT
  const refusals = Object.entries(faults).map(([status, description]) => [status, { ...shape, description }] as const)
  return Object.fromEntries(
    // Statuses are numbers as keys: they come in their order. An answer of its own wins over what follows from the rest.
    [...refusals, ...Object.entries(operation.answers)].map(([status, answer]) => [
      status,
      responseOf(isHead ? { description: answer.description } : answer, schemas),
    ]),
  )
}

const FAULT = { type: 'application/json', schema: faultSchema }
const FAULT_PAGE = { type: 'text/html', schema: () => z.string() }

function needed({ scopes, filtered }: Operation): string {
  if (!scopes) return ''
  const names = scopes.map(scope => `\`${scope}\``).join(', ')
  const rest = filtered ? ' The answer holds what the scope reaches.' : ''
  return `${scopes.length > 1 ? `Needs any one of the scopes ${names}.` : `Needs the scope ${names}.`}${rest}`
}

function pathParameters(path: string, { params = {} }: Operation): OpenApiParameter[] {
  return [...templateOf(path).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    ...describedPart(params[name] ?? PATH_PARTS[name]),
  }))
}

function describedPart(part: PathPart | undefined) {
  const { description, example } = part ?? {}
  return {
    ...(description !== undefined && { description }),
    schema: { type: 'string', minLength: 1 },
    ...(example !== undefined && { example }),
  }
}

function queryParameters({ query }: Operation, schemas: Schemas): OpenApiParameter[] {
  if (!query) return []
  const { properties = {}, required = [] } = convert(madeSchema(query), 'input', schemas) as {
    properties?: Record<string, JsonSchema> // what becomes of a ZodObject
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query' as const,
    required: required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema,
  }))
}

function requestBody(operation: Operation, body: z.ZodType, schemas: Schemas) {
  const media = { schema: convert(body, 'input', schemas) }
  const { bodyType = 'application/json', bodyExample } = operation
  return {
    required: !body.safeParse(undefined).success,
    content: { [bodyType]: bodyExample === undefined ? media : { ...media, example: bodyExample } },
  }
}

function responseOf({ description, type, schema, example }: Answer, schemas: Schemas) {
  if (type === undefined) return { description }
  if (schema === undefined) return { description, content: { [type]: {} } }
  const media = { schema: convert(schema(), 'output', schemas) }
  return { description, content: { [type]: example === undefined ? media : { ...media, example } } }
}

/** Schemas with a name go to the components of the document, the rest stays where it is used. */
function convert(schema: z.ZodType, io: 'input' | 'output', schemas: Schemas): JsonSchema {
  const { $schema: _, ...converted } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' })
  const { $defs = {}, ...rest } = JSON.parse(
    JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/'),
  ) as { $defs?: Schemas } // as zod makes it
  return Object.assign(schemas, $defs) && rest
}
