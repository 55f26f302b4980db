/** All pages, at JupyterHub's paths. */
import type { FastifyPluginAsync } from 'fastify'
import type { PageDeps } from './deps.ts'
import { errorPage } from './error-page.ts'
import { pluginRoutes } from './plugin-routes.ts'
import { acceptShareRoutes } from './routes/accept-share.ts'
import { adminRoutes } from './routes/admin.ts'
import { apiDocsRoutes } from './routes/api-docs.ts'
import { cspReportRoutes } from './routes/csp-report.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { pendingRoutes } from './routes/pending.ts'
import { proxyErrorRoutes } from './routes/proxy-error.ts'
import { rootRoutes } from './routes/root.ts'
import { serverLogRoutes } from './routes/server-log.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { spawnRoutes } from './routes/spawn.ts'
import { staticRoutes } from './routes/static.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { userUrlRoutes } from './routes/user-url.ts'

/** For a server made by `createHubServer`; register with `{ prefix: baseUrl without its last slash }`. */
export function pageRoutes(deps: PageDeps): FastifyPluginAsync {
  return async app => {
    app.setErrorPage((facts, request, reply) => errorPage(deps, facts, request, reply))
    await staticRoutes(app, deps)
    healthRoutes(app)
    rootRoutes(app, deps)
    signInRoutes(app, deps)
    homeRoutes(app, deps)
    spawnRoutes(app, deps)
    pendingRoutes(app, deps)
    serverLogRoutes(app, deps)
    userUrlRoutes(app, deps)
    tokenRoutes(app, deps)
    acceptShareRoutes(app, deps)
    proxyErrorRoutes(app, deps)
    await app.register(async reports => cspReportRoutes(reports, deps))
    if (deps.apiDocument) apiDocsRoutes(app, deps, deps.apiDocument)
    adminRoutes(app, deps)
    pluginRoutes(app, deps)
  }
}
