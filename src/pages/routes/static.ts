/** Style sheets, scripts, the mark: '/hub/static/…', '/hub/logo', `/favicon.ico`. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PageDeps } from '../deps.ts'
import { staticFolder } from '../static-files.ts'

const FOREVER = 'public, max-age=31536000, immutable'
const A_DAY = 'public, max-age=86400'

const imageTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
}

export async function staticRoutes(app: FastifyInstance, deps: PageDeps): Promise<void> {
  const hub = `${deps.settings.baseUrl}hub/`

  app.get('/hub/static/accent.css', async (request, reply) =>
    reply.type('text/css; charset=utf-8').header('cache-control', cacheFor(request)).send(deps.renderer.accentCss),
  )
  await app.register(fastifyStatic, {
    root: staticFolder,
    prefix: '/hub/static/',
    decorateReply: false,
    cacheControl: false,
    index: false,
  })
  if (deps.renderer.uiFolder) {
    await app.register(fastifyStatic, {
      root: deps.renderer.uiFolder,
      prefix: '/hub/static/ui/',
      preCompressed: true,
      decorateReply: false,
      cacheControl: false,
      index: false,
    })
  }
  // An address with the hash of the content (`?v=`) never changes its content.
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.url.startsWith(`${hub}static/`) && reply.statusCode < 300)
      reply.header('cache-control', cacheFor(request))
    return payload
  })

  const logo = readLogo(deps.settings.logoFile)
  app.get('/hub/logo', async (_request, reply) =>
    reply.type(logo.type).header('cache-control', A_DAY).send(logo.content),
  )

  const favicon = readLogo(undefined)
  for (const path of ['/favicon.ico', '/hub/static/favicon.ico']) {
    app.get(path, async (_request, reply) =>
      reply.type(favicon.type).header('cache-control', A_DAY).send(favicon.content),
    )
  }
}

function cacheFor(request: FastifyRequest): string {
  return /[?&]v=[0-9a-f]{16}$/.test(request.url) ? FOREVER : A_DAY
}

// Read once, at the start: a wrong path is found then and not by a visitor.
function readLogo(file: string | undefined): { content: Buffer; type: string } {
  const path = file ?? `${staticFolder}favicon.svg`
  return { content: readFileSync(path), type: imageTypes[extname(path).toLowerCase()] ?? 'application/octet-stream' }
}
