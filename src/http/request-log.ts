import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { background, type Logger } from '../core/runtime.ts'
import { isApiPath, pathOf } from './api-path.ts'
import { maskUrl } from './masked-url.ts'

export interface RequestLogOptions {
  log: Logger
  baseUrl: string
  /** Who was found to be asking, if anybody looked: `alice`, `service:culler`. */
  whoAsked?: (request: FastifyRequest) => Promise<string | undefined>
}

/** One line a request. Headers never, query values only where they are no secrets. */
export function addRequestLog(server: FastifyInstance, options: RequestLogOptions): void {
  server.addHook('onResponse', (request, reply, done) => {
    const level = levelOf(request, reply, options.baseUrl)
    if (level === 'info' || options.log.isLevelEnabled?.(level) !== false)
      background(write(level, request, reply), 'log a request', options.log)
    done()
  })

  async function write(level: 'debug' | 'info', request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const user = await options.whoAsked?.(request)
    const fields = {
      reference: request.id,
      method: request.method,
      url: maskUrl(request.url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
      ...(user === undefined ? {} : { user }),
    }
    options.log[level](fields, 'request')
  }
}

/** Slower than this is told even of what is otherwise not worth a line. JupyterHub does the same. */
const SLOW_MS = 1000

function levelOf(request: FastifyRequest, reply: FastifyReply, baseUrl: string): 'debug' | 'info' {
  if (reply.statusCode >= 400 || reply.elapsedTime >= SLOW_MS) return 'info'
  return isQuiet(request, baseUrl) ? 'debug' : 'info'
}

/** Polls, health checks and files: many, and nobody's story. */
function isQuiet(request: FastifyRequest, baseUrl: string): boolean {
  if (!['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return request.url.includes('/activity')
  if (isApiPath(request.url, baseUrl)) return true
  return /^hub\/(static\/|health$|metrics$|logo$)/.test(pathOf(request.url).slice(baseUrl.length))
}
