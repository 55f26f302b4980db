/**
 * The REST API through which the hub sets routes: configurable-http-proxy's `/api/routes`, status by status
 * (docs/reference/proxy-api.md). The token is checked before a body is read.
 */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../core/runtime.ts'
import { http } from '../http/node-http.ts'
import { loggedPath } from './forward-context.ts'
import { INSTANCE_HEADER } from './instance-header.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import { type RouteTable, toRouteRecord } from './route-table.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

export interface RoutesApi {
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
}

const MAX_BODY_BYTES = 1024 * 1024
const METHODS = new Set(['GET', 'POST', 'DELETE'])

export function createRoutesApi(options: {
  routes: RouteTable
  /** Without one the API is open to whoever reaches it. */
  token: string | undefined
  metrics: ProxyMetrics
  /** Resolves when the changes made so far are where an answer promises them to be; undefined: they are. */
  committed?: () => Promise<void> | undefined
  /** Brings the activity of the routes up to date before they are shown; undefined: it is. */
  gatherActivity?: () => Promise<void> | undefined
  /** What is known of the certificate that browsers see; undefined: they see none. */
  certificate?: (() => Promise<object>) | undefined
  log: Logger
}): RoutesApi {
  const { routes, metrics, log, committed = () => undefined, gatherActivity = () => undefined } = options
  const isAllowed = tokenCheck(options.token)
  const instance = randomUUID()

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = URL.parse(req.url ?? '/', 'http://api.invalid')
    const found = url && /^\/api\/routes(\/.*)?$/.exec(url.pathname)
    if (url?.pathname === '/api/certificate') return showCertificate(req, res)
    if (!url || !found) return end(res, 404)
    if (!METHODS.has(req.method ?? '')) return end(res, 405, 'Method not supported')
    if (!isAllowed(req.headers.authorization)) return void res.writeHead(403).end()
    res.setHeader(INSTANCE_HEADER, instance)
    const path = decodePath(found[1])
    if (path === undefined) return end(res, 400, 'The path is not valid percent-encoded UTF-8')

    if (req.method === 'GET') await gatherActivity()
    if (req.method === 'GET') return path === '/' ? listRoutes(url, res) : showRoute(path, res)
    if (req.method === 'DELETE') return deleteRoute(path, res)
    return addRoute(path, req, res)
  }

  async function showCertificate(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.method !== 'GET') return end(res, 405, 'Method not supported')
    if (!isAllowed(req.headers.authorization)) return void res.writeHead(403).end()
    if (!options.certificate) return end(res, 404)
    sendJson(res, await options.certificate())
  }

  function listRoutes(url: URL, res: ServerResponse): void {
    const since = url.searchParams.get('inactiveSince') || url.searchParams.get('inactive_since')
    const sinceMs = since ? Date.parse(since) : Number.POSITIVE_INFINITY
    if (Number.isNaN(sinceMs)) return void end(res, 400, `Invalid datestamp '${since}' must be ISO8601.`)
    const shown: Record<string, unknown> = Object.create(null) // a route may be called __proto__
    for (const route of routes.all()) {
      if (route.lastActivityMs < sinceMs) shown[route.path] = toRouteRecord(route)
    }
    sendJson(res, shown)
    metrics.countRoute('get')
  }

  function showRoute(path: string, res: ServerResponse): void {
    const route = routes.get(path)
    if (!route) return void res.writeHead(404).end()
    sendJson(res, toRouteRecord(route))
  }

  async function deleteRoute(path: string, res: ServerResponse): Promise<void> {
    const existed = routes.delete(path)
    await committed()
    if (existed) log.info({ route: path }, 'route removed')
    res.writeHead(existed ? 204 : 404).end()
    metrics.countRoute('delete')
  }

  async function addRoute(path: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await readBody(req)
    if (body === undefined) return end(res, 413, 'The body is too large', ['Connection', 'close'])
    let data: unknown
    try {
      data = JSON.parse(body)
    } catch (error) {
      return end(res, 400, `Body not valid JSON: ${error}`)
    }
    const target = hasTarget(data) ? data.target : undefined
    if (!hasTarget(data) || target === undefined) return end(res, 400, "Must specify 'target' as string")
    if (!parseUpstreamTarget(target))
      return end(res, 400, `Cannot proxy to ${target}: expected http, https or http+unix`)
    const route = routes.set(path, data, Date.now())
    await committed()
    log.info({ route: route.path, target }, 'route added')
    res.writeHead(201).end()
    metrics.countRoute('add')
  }

  return {
    async handle(req, res) {
      res.once('finish', () => {
        metrics.countApi(res.statusCode)
        log.debug({ status: res.statusCode, method: req.method, path: loggedPath(req.url) }, 'api request')
      })
      try {
        await answer(req, res)
      } catch (error) {
        if (req.destroyed && !req.complete) return // the caller hung up in mid-body
        log.error({ err: error, method: req.method, path: loggedPath(req.url) }, 'api request failed')
        if (!res.headersSent) end(res, 500)
      }
    },
  }
}

/** Compares digests, so that the time taken tells nothing about the token. */
function tokenCheck(token: string | undefined): (authorization: string | undefined) => boolean {
  if (!token) return () => true
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(token)
  return authorization => {
    const given = /token\s+(\S+)/i.exec(authorization ?? '')?.[1]
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}

function decodePath(written: string | undefined): string | undefined {
  try {
    return decodeURIComponent(written ?? '/')
  } catch {
    return undefined
  }
}

/** Undefined when there is too much of it. Rejects when it is broken off. */
function readBody(req: IncomingMessage): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) resolve(undefined)
  const chunks: Buffer[] = []
  let bytes = 0
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) resolve(undefined)
    else chunks.push(chunk)
  })
  req.on('end', () => resolve(chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks).toString()))
  req.on('error', reject)
  return promise
}

function hasTarget(data: unknown): data is Record<string, unknown> & { target: string } {
  return typeof data === 'object' && data !== null && 'target' in data && typeof data.target === 'string'
}

function sendJson(res: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value)
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body)
}

function end(
  res: ServerResponse,
  status: number,
  message = http.STATUS_CODES[status] ?? '',
  headers: string[] = [],
): void {
  const body = Buffer.from(message)
  res.writeHead(status, [
    'Content-Type',
    'text/plain; charset=utf-8',
    'Content-Length',
    String(body.length),
    ...headers,
  ])
  res.end(body)
}
