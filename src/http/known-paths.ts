import type { FastifyInstance } from 'fastify'

/**
 * Which methods an address knows. Fastify answers 404 to a wrong method of a known path; JupyterHub answers 405, and
 * answers `OPTIONS` of any API path with 200.
 */
export interface KnownPaths {
  /** Empty when no route has this path. */
  methodsOf(path: string): readonly string[]
}

export function collectKnownPaths(server: FastifyInstance): KnownPaths {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  server.addHook('onRoute', ({ url, method, config }) => {
    if ((config as { catchAll?: boolean } | undefined)?.catchAll) return // knows every path, so tells of none
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const name of [method].flat()) route.methods.add(name)
    routes.set(url, route)
  })
  return {
    methodsOf(path) {
      const matching = [...routes.values()].filter(route => route.pattern.test(path))
      return [...new Set(matching.flatMap(route => [...route.methods]))].sort()
    },
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map(part => {
      if (part === '*') return '.*'
      if (part.startsWith(':')) return '[^/]+'
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('/')
  return new RegExp(`^${source}$`)
}
