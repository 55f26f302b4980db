/** Services as the menu of the pages lists them. */
import { hasScope } from '../../core/scopes/reach.ts'
import { type SiteAddresses, serviceUrl } from '../../core/subdomains.ts'
import { compiledQuery } from '../../db/compiled-query.ts'
import type { Database } from '../../db/database.ts'
import type { PageServices } from '../../pages/deps.ts'

export function pageServices({ db }: Pick<Database, 'db'>, site: SiteAddresses): PageServices {
  return {
    // As JupyterHub's `get_accessible_services`: what has an address, is to be shown, and may be entered.
    async accessible({ scopes }) {
      if (!scopes.has('access:services')) return []
      const services = await shownServices(db)
      const entered = services.filter(({ name }) => hasScope(scopes, 'access:services', { service: name }))
      return entered.map(({ name }) => ({ name, href: serviceUrl(name, site) }))
    },
  }
}

const shownServices = compiledQuery(db =>
  db
    .selectFrom('services')
    .innerJoin('servers', 'servers.id', 'services._server_id')
    .select('services.name')
    .where(where => where.or([where('display', '=', true), where('display', 'is', null)]))
    .orderBy('services.id'),
)
