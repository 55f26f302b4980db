/** The OpenAPI document as its page shows it: words and links, nothing of JSON Schema left to understand. */
import type {
  JsonSchema,
  OpenApiDocument,
  OpenApiMedia,
  OpenApiOperation,
  OpenApiParameter,
} from '../http/openapi-types.ts'
import { fieldsOf, type SchemaField, typeWords, type Words, words } from './schema-words.ts'

export interface ApiDocsView {
  readonly root: string
  readonly version: string
  readonly tags: readonly { name: string; anchor: string; description: string; operations: OperationView[] }[]
  readonly shapes: readonly { name: string; anchor: string; fields: readonly SchemaField[]; type: Words }[]
}

interface OperationView {
  readonly anchor: string
  readonly method: string
  readonly path: string
  readonly summary: string
  readonly description: readonly Words[]
  readonly callers: string
  readonly scopes: readonly string[]
  readonly parameters: readonly { name: string; where: string; required: boolean; type: Words; about: Words }[]
  readonly body: BodyView | undefined
  readonly answers: readonly ({ status: string; about: Words } & Partial<MediaView>)[]
}

interface MediaView {
  readonly media: string
  readonly type: Words
  readonly fields: readonly SchemaField[]
}

interface BodyView extends MediaView {
  readonly required: boolean
  readonly example: string | undefined
}

export function apiDocsView(document: OpenApiDocument): ApiDocsView {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  return {
    root: document.servers[0]!.url, // there is one
    version: document.info.version,
    tags: document.tags.map(({ name, description }) => ({
      name,
      anchor: `tag-${name.replaceAll(' ', '-')}`,
      description,
      operations: all
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ path, method, operation }) => operationView(path, method, operation)),
    })),
    shapes: Object.entries(document.components.schemas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => ({
        name,
        anchor: `shape-${name}`,
        fields: fieldsOf(schema),
        type: typeWords(schema),
      })),
  }
}

function operationView(path: string, method: string, operation: OpenApiOperation): OperationView {
  const [first] = operation.security
  return {
    anchor: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary,
    description: (operation.description ?? '').split('\n\n').filter(Boolean).map(words),
    callers: first ? 'Whoever can prove who they are' : 'Everybody',
    scopes: first?.token ?? [],
    parameters: (operation.parameters ?? []).map(parameterView),
    body: bodyView(operation.requestBody),
    answers: Object.entries(operation.responses).map(([status, { description, content }]) => ({
      status,
      about: words(description),
      ...(content && mediaView(content)),
    })),
  }
}

function parameterView({ name, in: where, required, description = '', schema }: OpenApiParameter) {
  return { name, where, required, type: typeWords(schema), about: words(description) }
}

function bodyView(body: OpenApiOperation['requestBody']): BodyView | undefined {
  if (!body) return undefined
  const { example } = Object.values(body.content)[0] ?? {}
  const shown = example === undefined ? undefined : JSON.stringify(example, undefined, 2)
  return { ...mediaView(body.content), required: body.required, example: shown }
}

function mediaView(content: Record<string, OpenApiMedia>): MediaView {
  const [media = '', { schema = {} } = {}] = Object.entries(content)[0] ?? []
  const isText = !media.endsWith('json') && !media.endsWith('urlencoded')
  return { media, type: isText ? [] : typeWords(schema), fields: isText ? [] : fieldsOf(schema as JsonSchema) }
}
