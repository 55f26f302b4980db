import type { FastifyInstance, FastifyRequest, preHandlerHookHandler, RouteOptions } from 'fastify'
import type { HubError } from '../core/errors.ts'
import { speaksForms } from './api-path.ts'
import { multipartFields, urlencodedFields } from './form.ts'
import { invalidJson } from './json-body.ts'

/**
 * How bodies become values. JupyterHub's API reads JSON whatever the content type says, and only after it has looked at
 * who is asking; so a body that is no JSON is remembered and refused after the guards of the route. Forms (urlencoded
 * and multipart) belong to pages and to OAuth; any other body of a page is ignored.
 */
export function addBodyParsers(server: FastifyInstance, baseUrl: string): void {
  const faults = new WeakMap<FastifyRequest, HubError>()
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, raw: string | Buffer) => {
    const body = Buffer.from(raw)
    const type = request.headers['content-type'] ?? ''
    try {
      return await (speaksForms(request.url, baseUrl) ? readForm(type, body) : readJson(body))
    } catch (cause) {
      faults.set(request, cause as HubError) // both readers throw nothing else
      return undefined
    }
  })
  server.addHook('onRoute', route => {
    checkAfterGuards(route, (request, _reply, done) => done(faults.get(request)))
  })
}

async function readForm(type: string, body: Buffer): Promise<unknown> {
  const kind = type.split(';', 1)[0]!.trim().toLowerCase()
  if (kind === 'application/x-www-form-urlencoded') return urlencodedFields(body)
  if (kind === 'multipart/form-data') return multipartFields(type, body)
  return undefined
}

function readJson(body: Buffer): unknown {
  const text = body.toString('utf8').trim()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalidJson(cause)
  }
}

function checkAfterGuards(route: RouteOptions, check: preHandlerHookHandler): void {
  const own = route.preHandler === undefined ? [] : [route.preHandler].flat()
  route.preHandler = [...own, check]
}
