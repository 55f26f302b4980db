/**
 * What a client sees when the proxy itself cannot serve it: the page of `--error-target` (the hub), a file of
 * `--error-path`, or a small page of our own; always with the true status.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../core/runtime.ts'
import { http } from '../http/node-http.ts'
import { joinPaths } from './request-path.ts'
import type { UpstreamConnections } from './upstream-connections.ts'
import { parseUpstreamTarget, type UpstreamTarget } from './upstream-target.ts'

export interface ErrorPages {
  /** @param url what was asked for. Never rejects. */
  pageFor(status: number, url: string): Promise<ErrorPage>
}

export interface ErrorPage {
  /** Field lines, each with its CR LF; the length is not among them. */
  readonly lines: string
  readonly body: Buffer
}

export function createErrorPages(options: {
  /** URL; asked for `<target>/<status>?url=<requested URL>` as configurable-http-proxy does. */
  errorTarget: string | undefined
  /** Folder with `404.html`, `503.html` ... and `error.html` for the rest. */
  errorPath: string | undefined
  upstreams: UpstreamConnections
  log: Logger
}): ErrorPages {
  const target = options.errorTarget === undefined ? undefined : parseUpstreamTarget(options.errorTarget)
  const { errorPath, upstreams, log } = options

  return {
    async pageFor(status, url) {
      return (
        (target && (await fetchPage(upstreams, target, status, url).catch(logAnd('error target', log)))) ??
        (errorPath !== undefined ? await readPage(errorPath, status).catch(logAnd('error path', log)) : undefined) ??
        builtInPage(status)
      )
    },
  }
}

const PAGE_TIMEOUT_MS = 5000
const MAX_PAGE_BYTES = 1024 * 1024
const PASSED_ON = new Set(['content-type', 'content-encoding'])

function fetchPage(
  upstreams: UpstreamConnections,
  target: UpstreamTarget,
  status: number,
  url: string,
): Promise<ErrorPage> {
  const folder = target.path.endsWith('/') ? target.path : `${target.path}/`
  const search = [target.search, new URLSearchParams({ url }).toString()].filter(part => part.length > 1).join('&')
  const path = joinPaths(
    { path: folder, search: '' },
    { path: `/${status}`, search: search.startsWith('?') ? search : `?${search}` },
  )
  const { promise, resolve, reject } = Promise.withResolvers<ErrorPage>()
  const request = upstreams.request(target, { method: 'GET', path, headers: ['Host', target.host] })
  const timer = setTimeout(() => request.destroy(new Error('the error page took too long')), PAGE_TIMEOUT_MS)
  request.on('error', reject)
  request.on('close', () => {
    clearTimeout(timer)
    reject(new Error('the error target closed the connection'))
  })
  request.on('response', response => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('error', reject)
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_PAGE_BYTES) request.destroy(new Error('the error page is too large'))
      else chunks.push(chunk)
    })
    response.on('end', () => {
      const raw = response.rawHeaders
      const lines = raw.map((name, i) =>
        i % 2 === 0 && PASSED_ON.has(name.toLowerCase()) ? `${name}: ${raw[i + 1]}\r\n` : '',
      )
      resolve({ lines: lines.join(''), body: Buffer.concat(chunks) })
    })
  })
  request.end()
  return promise
}

async function readPage(folder: string, status: number): Promise<ErrorPage> {
  const body = await readFile(join(folder, `${status}.html`)).catch(() => readFile(join(folder, 'error.html')))
  return { lines: HTML, body }
}

const HTML = 'Content-Type: text/html; charset=utf-8\r\n'

const EXPLANATIONS: Record<number, string> = {
  400: 'The request could not be understood.',
  404: 'Nothing is registered at this address.',
  503: 'The server behind this address does not answer. It may be starting or may have stopped.',
  504: 'The server behind this address took too long to answer.',
}

function builtInPage(status: number): ErrorPage {
  const title = `${status}: ${http.STATUS_CODES[status] ?? 'Error'}`
  const body = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head>
<body style="font-family:system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem">
<h1>${title}</h1>
<p>${EXPLANATIONS[status] ?? 'The proxy could not serve this request.'}</p>
</body>
</html>
`
  return { lines: `${HTML}Cache-Control: no-store\r\n`, body: Buffer.from(body) }
}

function logAnd(source: string, log: Logger): (error: unknown) => undefined {
  return error => {
    log.debug({ err: error, source }, 'no error page from there, using the next one')
    return undefined
  }
}
