import type { Access } from '../../access/access.ts'
import { may } from '../../access/guards.ts'
import type { Identity } from '../../access/identity.ts'
import type { UsageOfServer } from './usage-history.ts'

/** Of these servers those whose state the caller may read. */
export async function visibleUsage(
  access: Access,
  identity: Identity,
  all: readonly UsageOfServer[],
): Promise<UsageOfServer[]> {
  const visible: UsageOfServer[] = []
  for (const each of all) if (await may(access, identity, 'read:servers', each.key)) visible.push(each)
  return visible
}
