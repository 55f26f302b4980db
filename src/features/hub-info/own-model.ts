import type { Access } from '../../access/access.ts'
import type { Identity } from '../../access/identity.ts'
import { identifyScopes } from '../../access/token-check.ts'
import { withScopes } from '../../core/scopes/parse.ts'
import type { ScopeMap } from '../../core/scopes/types.ts'

/** Makes the model of a user or service as far as these scopes show it. */
export type ModelReader = (identity: Identity, scopes: ScopeMap) => Promise<Record<string, unknown> | undefined>

/**
 * `GET /hub/api/user`: who am I? Any token may name its owner, even one that permits nothing else; `scopes` tells what
 * it permits besides.
 */
export async function ownModel(
  access: Access,
  identity: Identity,
  readModel: ModelReader,
): Promise<Record<string, unknown>> {
  const scopes = withScopes(identity.scopes, identifyScopes(identity))
  return { ...(await readModel(identity, scopes)), ...access.describe(identity) }
}
