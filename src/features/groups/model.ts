import type { ScopeMap } from '../../core/scopes/types.ts'
import { visibleFields } from '../../http/visible-fields.ts'
import type { CountedGroup, GroupDetails } from './store.ts'

const FIELDS_OF = {
  'read:groups': ['kind', 'name', 'properties', 'users'],
  'read:groups:name': ['kind', 'name'],
  'read:roles:groups': ['kind', 'name', 'roles'],
}

/** A group as far as the caller may see it, as JupyterHub's `group_model`; `user_count` where members were only counted. */
export function groupModel(group: GroupDetails | CountedGroup, scopes: ScopeMap): Record<string, unknown> {
  const visible = visibleFields(scopes, FIELDS_OF, { group: group.name })
  const all = {
    kind: 'group',
    name: group.name,
    roles: group.roles,
    users: group.users,
    properties: JSON.parse(group.properties ?? '{}') ?? {},
  }
  const shown = Object.fromEntries(Object.entries(all).filter(([field]) => visible.has(field)))
  if (typeof shown.users !== 'number') return shown
  const { users, ...rest } = shown
  return { ...rest, user_count: users }
}
