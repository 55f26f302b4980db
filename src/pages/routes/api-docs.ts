/** '/hub/api/docs': the OpenAPI document for people. Open to everybody, as the document is. */
import type { FastifyInstance } from 'fastify'
import type { ApiDocument } from '../../http/api-document.ts'
import { type Operation, text } from '../../http/operation.ts'
import { type ApiDocsView, apiDocsView } from '../api-docs-view.ts'
import type { PageDeps } from '../deps.ts'
import { sendPage } from '../page-vars.ts'

const readDocs: Operation = {
  id: 'readDocs',
  tag: 'hub',
  summary: 'This description as a page',
  page: true,
  answers: { 200: text('The page.', 'text/html') },
}

export function apiDocsRoutes(app: FastifyInstance, deps: PageDeps, document: () => ApiDocument): void {
  let view: ApiDocsView | undefined
  app.get('/hub/api/docs', { config: { operation: readDocs } }, async (request, reply) => {
    view ??= apiDocsView(document().document)
    return sendPage(deps, request, reply, { template: 'api.html', vars: { page: 'api', api: view } })
  })
}
