import type { Access } from '../../access/access.ts'
import type { Identity } from '../../access/identity.ts'
import { hasScope, scopeReach } from '../../core/scopes/reach.ts'
import type { UsageOfServer } from './usage-history.ts'

/** Of these servers those whose state the caller may read. Groups are looked up at most once, for all of them. */
export async function visibleUsage(
  access: Pick<Access, 'membershipOf'>,
  { scopes }: Pick<Identity, 'scopes'>,
  all: readonly UsageOfServer[],
): Promise<UsageOfServer[]> {
  const reach = scopeReach(scopes, 'read:servers')
  const isByGroup = reach !== undefined && reach !== 'all' && reach.group !== undefined
  const membership = isByGroup ? await access.membershipOf(all.map(({ key }) => key.user)) : undefined
  return all.filter(({ key }) => {
    const target = membership ? { ...key, groups: membership.groupsOf(key.user) } : key
    return hasScope(scopes, 'read:servers', target)
  })
}
