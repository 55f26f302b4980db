/** `/hub/security/csp-report`: browsers tell here what a page's content security policy has kept out. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { printable } from '../../core/names.ts'
import type { PageDeps } from '../deps.ts'
import { signedIn } from '../page-guards.ts'

const TOLD = ['document-uri', 'effective-directive', 'violated-directive', 'blocked-uri', 'source-file'] as const

export async function cspReportRoutes(app: FastifyInstance, deps: PageDeps): Promise<void> {
  // Only here: everywhere else a page takes forms and nothing else.
  app.addContentTypeParser(
    'application/csp-report',
    { parseAs: 'string', bodyLimit: 16_384 },
    async (_: FastifyRequest, body: string | Buffer) => body,
  )

  // Browsers send no xsrf token along, and the report changes nothing. From others than users it is not taken.
  app.post(
    '/hub/security/csp-report',
    signedIn(deps, async (request, reply, me) => {
      deps.log.warn({ user: me.name, ...reportFields(request.body) }, 'content security policy violated')
      return reply.code(200).send('')
    }),
  )
}

function reportFields(body: unknown): Record<string, string> {
  try {
    const report = (JSON.parse(String(body)) as { 'csp-report'?: Record<string, unknown> })['csp-report'] ?? {} // looked at field by field
    return Object.fromEntries(
      TOLD.flatMap(name => (report[name] ? [[name, printable(String(report[name]).split('?')[0]!)]] : [])),
    )
  } catch {
    return {}
  }
}
