import { HubError } from '../core/errors.ts'
import type { ScopeDefinitions } from '../core/scopes/definitions.ts'
import { expandScopes, unknownScopes } from '../core/scopes/expand.ts'
import { parseScopes, unparseScopes } from '../core/scopes/parse.ts'
import { compiledQuery } from '../db/compiled-query.ts'
import type { Db } from '../db/database.ts'
import { toDbTime } from '../db/db-time.ts'
import { kyselyHotReads } from '../db/hot.ts'
import { clientTarget, createOwners, jsonList, type Owner } from './owners.ts'
import { cutScopes, findTokenRow, HUB_CLIENT_ID } from './token-check.ts'
import { CHOSEN_TOKEN_ROUNDS, hashToken, isAcceptableToken, newToken } from './token-format.ts'

/** A token to be made, for a user or a service. */
export interface NewToken {
  readonly user?: { readonly id: number } | undefined
  readonly service?: { readonly id: number } | undefined
  /** Raw scopes; absent: those of the role `token`, normally `inherit`. */
  readonly scopes?: readonly string[] | undefined
  readonly note?: string | undefined
  /** Absent: never runs out. */
  readonly expiresInSeconds?: number | undefined
  /** OAuth client it is issued to; absent: the hub itself. */
  readonly clientId?: string | undefined
  /** Browser session it ends with. */
  readonly sessionId?: string | undefined
  /** A given token instead of a random one, 8 to 64 characters; hashed slowly unless `generated`. */
  readonly token?: string | undefined
  readonly generated?: boolean | undefined
  /** The scopes were narrowed to the owner's already; they are cut again at every use anyway. */
  readonly skipScopeCheck?: boolean | undefined
}

export interface IssuedToken {
  readonly token: string
  readonly id: number
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
}

/**
 * Stores a token and returns it, the only time it can be seen. Throws HubError (400): `scope_unknown`,
 * `scope_not_held` when it would permit more than its owner may, `token_invalid`, `token_taken`, `token_lifetime_invalid`.
 */
export async function issueToken(
  db: Db,
  wanted: NewToken,
  definitions: ScopeDefinitions,
  now: Date,
): Promise<IssuedToken> {
  const token = wanted.token ?? newToken()
  if (wanted.token !== undefined) await checkGivenToken(db, wanted.token, now)
  const scopes = [...new Set(wanted.scopes ?? (await defaultTokenScopes(db)))]
  const clientId = wanted.clientId ?? HUB_CLIENT_ID
  const expiresAt = expiry(wanted.expiresInSeconds, now)
  if (clientId === HUB_CLIENT_ID) await ensureHubClient(db)
  if (!wanted.skipScopeCheck) await checkScopes(db, scopes, wanted, clientId, definitions, now)

  const { prefix, hashed } = hashToken(token, {
    rounds: wanted.token === undefined || wanted.generated ? 1 : CHOSEN_TOKEN_ROUNDS,
  })
  const [row] = await insertToken(
    db,
    wanted.user?.id ?? null,
    wanted.service?.id ?? null,
    hashed,
    prefix,
    clientId,
    wanted.sessionId ?? null,
    toDbTime(now),
    expiresAt ? toDbTime(expiresAt) : null,
    wanted.note ?? '',
    JSON.stringify(scopes),
  )
  return { token, id: row!.id, scopes, createdAt: now, expiresAt } // it gives back what it has inserted
}

const insertToken = compiledQuery(
  (
    db,
    userId: number | null,
    serviceId: number | null,
    hashed: string,
    prefix: string,
    clientId: string,
    sessionId: string | null,
    created: string,
    expiresAt: string | null,
    note: string,
    scopes: string,
  ) =>
    db
      .insertInto('api_tokens')
      .values({
        user_id: userId,
        service_id: serviceId,
        hashed,
        prefix,
        client_id: clientId,
        session_id: sessionId,
        created,
        expires_at: expiresAt,
        last_activity: null,
        note,
        scopes,
      })
      .returning('id'),
)

/** The client that tokens belong to which the hub issues itself; it has no secret, so nobody can sign in with it. */
export async function ensureHubClient(db: Db): Promise<void> {
  const [existing] = await clientByName(db, HUB_CLIENT_ID)
  if (existing) return
  await db
    .insertInto('oauth_clients')
    .values({
      identifier: HUB_CLIENT_ID,
      secret: '',
      redirect_uri: '',
      description: 'JupyterHub',
      allowed_scopes: '[]',
    })
    .onConflict(conflict => conflict.column('identifier').doNothing())
    .execute()
}

/** Throws HubError `scope_unknown` or `scope_not_held` for scopes that the owner cannot hand on. */
async function checkScopes(
  db: Db,
  scopes: readonly string[],
  wanted: NewToken,
  clientId: string,
  definitions: ScopeDefinitions,
  now: Date,
): Promise<void> {
  const unknown = unknownScopes(scopes, definitions)
  if (unknown.length > 0) {
    throw new HubError('scope_unknown', { status: 400, message: `Scope '${unknown[0]}' for token does not exist` })
  }
  const fixed = scopes.filter(scope => scope !== 'inherit')
  if (fixed.length === 0) return
  const owners = createOwners(db, definitions)
  const owner = await findOwner(owners, wanted, now)
  const target = clientId === HUB_CLIENT_ID ? {} : await clientTarget(db, clientId)
  const expanded = expandScopes(fixed, { [owner.kind]: owner.name, ...target }, definitions)
  const held = unparseScopes(await cutScopes(parseScopes(expanded), owner.scopes, owners))
  const excess = [...expanded].filter(scope => !held.has(scope))
  if (excess.length > 0) {
    const kind = owner.kind === 'user' ? 'User' : 'Service'
    throw new HubError('scope_not_held', {
      status: 400,
      message: `Not assigning requested scopes ${excess.sort().join(',')} not held by ${kind} ${owner.name}`,
    })
  }
}

async function findOwner(owners: ReturnType<typeof createOwners>, wanted: NewToken, now: Date): Promise<Owner> {
  const owner = wanted.user
    ? await owners.findUser({ id: wanted.user.id }, toDbTime(now))
    : wanted.service && (await owners.findService(wanted.service.id))
  if (!owner)
    throw new HubError('token_owner_missing', { status: 404, message: 'The owner of the token does not exist.' })
  return owner
}

async function defaultTokenScopes(db: Db): Promise<string[]> {
  const [role] = await roleScopes(db, 'token')
  return role ? jsonList(role.scopes) : ['inherit']
}

const clientByName = compiledQuery((db, identifier: string) =>
  db.selectFrom('oauth_clients').select('id').where('identifier', '=', identifier),
)
const roleScopes = compiledQuery((db, name: string) => db.selectFrom('roles').select('scopes').where('name', '=', name))

async function checkGivenToken(db: Db, token: string, now: Date): Promise<void> {
  if (!isAcceptableToken(token)) {
    throw new HubError('token_invalid', { status: 400, message: 'A token has 8 to 64 characters and no spaces.' })
  }
  if (await findTokenRow(kyselyHotReads(db), token, toDbTime(now))) {
    throw new HubError('token_taken', { status: 400, message: 'This token exists already.' })
  }
}

function expiry(seconds: number | undefined, now: Date): Date | undefined {
  if (seconds === undefined) return undefined
  const whole = Math.trunc(seconds)
  // The upper bound keeps the year at four digits, which the database's times have room for.
  if (!(whole >= 1 && whole <= 3_000_000_000)) {
    throw new HubError('token_lifetime_invalid', {
      status: 400,
      message: `expires_in must be a positive integer or null, not ${seconds}`,
    })
  }
  return new Date(now.getTime() + whole * 1000)
}
