/**
 * '/hub/admin' and its tabs below: the frame of the program that `ui/` holds. What it may do is the REST API's to say;
 * this page only keeps out those for whom it is not meant.
 */
import type { FastifyInstance } from 'fastify'
import type { PageDeps } from '../deps.ts'
import { requireAdminUi, signedIn } from '../page-guards.ts'
import { sendPage } from '../page-vars.ts'

/** Each has an address of its own, and the program finds itself by it. */
const TABS = ['', '/servers', '/groups', '/services', '/roles', '/tokens', '/machine', '/health']

export function adminRoutes(app: FastifyInstance, deps: PageDeps): void {
  const { baseUrl, allowNamedServers } = deps.settings
  for (const tab of TABS) {
    app.get(
      `/hub/admin${tab}`,
      signedIn(deps, async (request, reply, me) => {
        requireAdminUi(me)
        const hasProgram = deps.renderer.hasStatic('ui/admin.js')
        return sendPage(deps, request, reply, {
          template: 'admin.html',
          authStateOf: me.name,
          vars: {
            page: 'admin',
            has_program: hasProgram,
            named_servers: allowNamedServers,
            accounts_url: deps.authenticator.name === 'own-accounts' ? `${baseUrl}hub/authorize` : undefined,
          },
        })
      }),
    )
  }
}
