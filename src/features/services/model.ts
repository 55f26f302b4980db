import type { ScopeMap } from '../../core/scopes/types.ts'
import { visibleFields } from '../../http/visible-fields.ts'
import type { ServiceRow } from './store.ts'

const FIELDS_OF = {
  'read:services': ['kind', 'name', 'admin', 'url', 'prefix', 'command', 'pid', 'info', 'display'],
  'read:services:name': ['kind', 'name', 'admin'],
  'read:roles:services': ['kind', 'name', 'roles', 'admin'],
}

/** A service as far as the caller may see it, as JupyterHub's `service_model`; what was never set has its default. */
export function serviceModel(service: ServiceRow, scopes: ScopeMap): Record<string, unknown> {
  const visible = visibleFields(scopes, FIELDS_OF, { service: service.name })
  const all = {
    kind: 'service',
    name: service.name,
    roles: service.roles,
    admin: service.admin,
    url: service.url ?? '',
    prefix: service.prefix ?? '',
    command: JSON.parse(service.command ?? 'null') ?? [],
    pid: service.pid ?? 0,
    info: JSON.parse(service.info ?? 'null') ?? {},
    display: service.display ?? true,
  }
  return Object.fromEntries(Object.entries(all).filter(([field]) => visible.has(field)))
}
