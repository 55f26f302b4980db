/** Holds answers against the document, for tests: an undocumented status, media type or field is a fault. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenApiDocument, OpenApiOperation } from './openapi-types.ts'

export interface SeenAnswer {
  readonly method: string
  /** Path and query as they were asked for. */
  readonly url: string
  readonly status: number
  readonly contentType: string | undefined
  readonly body: string
}

/** Returns what is wrong with an answer, in words. What lies outside the API is not looked at. */
export function answerChecker(document: OpenApiDocument): (answer: SeenAnswer) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv) // its types are those of a CommonJS module
  ajv.addSchema({ ...document, $id: 'document' })
  const root = document.servers[0]!.url
  const templates = Object.keys(document.paths)
    .map(template => ({ template, pattern: patternOf(template) }))
    // The more letters of its own, the nearer: `servers/progress` is no server.
    .sort((a, b) => b.template.replace(/\{\w+\}/g, '').length - a.template.replace(/\{\w+\}/g, '').length)

  return answer => {
    const path = answer.url.split('?')[0]!
    if (path !== root && !path.startsWith(`${root}/`)) return []
    const below = path.slice(root.length) || '/'
    const matching = templates.filter(({ pattern }) => pattern.test(below))
    const template = matching.find(found => document.paths[found.template]?.[answer.method.toLowerCase()])?.template
    if (template === undefined) return faultsOfUndeclared(answer, matching.length > 0)
    const faults = faultsOfDeclared(template, document.paths[template]![answer.method.toLowerCase()]!, answer)
    return faults.map(fault => `${answer.method} ${template} answered ${answer.status}: ${fault}`)
  }

  function faultsOfDeclared(template: string, operation: OpenApiOperation, answer: SeenAnswer): string[] {
    const { status, body } = answer
    const response = operation.responses[status]
    if (!response) return [`the status is not documented (${Object.keys(operation.responses).join(', ')})`]
    if (body === '' || answer.method === 'HEAD') return []
    const type = answer.contentType?.split(';')[0] ?? ''
    if (!response.content) return [`has a body of ${type}, documented is none`]
    if (!response.content[type]) return [`the type ${type} is not documented`]
    if (type !== 'application/json') return []
    const place = [
      'paths',
      template,
      answer.method.toLowerCase(),
      'responses',
      String(status),
      'content',
      type,
      'schema',
    ]
    const validate = ajv.getSchema(`document#/${place.map(pointer).join('/')}`)
    if (!validate) return ['its schema cannot be read']
    if (validate(JSON.parse(body))) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
    )
  }
}

function faultsOfUndeclared({ method, url, status }: SeenAnswer, isKnownPath: boolean): string[] {
  const expected = isKnownPath ? [404, 405] : [404]
  if (method === 'OPTIONS' && isKnownPath) expected.push(200)
  return [...expected, 400, 413].includes(status) ? [] : [`${method} ${url} is not in the document, answered ${status}`]
}

function patternOf(template: string): RegExp {
  const source = template
    .split('/')
    .map(part => (part === '{value}' ? '.*' : /^\{\w+\}$/.test(part) ? '[^/]+' : part.replace(/[.]/g, '\\.')))
    .join('/')
  return new RegExp(`^${source}$`)
}

function pointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
