/** Granting and revoking, whoever asked and however. */
import type { Access } from '../../access/access.ts'
import { HubError } from '../../core/errors.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import { serverKeyText } from '../../core/server-key.ts'
import type { Database, Db } from '../../db/database.ts'
import { toDbTime } from '../../db/db-time.ts'
import type { ServerRow } from '../../spawning/server-row.ts'
import { countExchange, findCode, insertCode, type ShareCodeRow } from './code-store.ts'
import { withoutScopes } from './share-scopes.ts'
import {
  deleteShares,
  findShare,
  insertShare,
  lockServer,
  type ShareRow,
  type ShareWith,
  setScopes,
} from './share-store.ts'

export interface ShareRules {
  readonly database: Database
  readonly access: Access
  readonly log: Logger
  readonly clock: Clock
}

/** A share and what it grants; what the receiver has of it already stays. */
export async function grantShare(
  rules: ShareRules,
  by: string,
  server: ServerRow,
  sharedWith: ShareWith,
  scopes: readonly string[],
): Promise<ShareRow> {
  const { database, access, log } = rules
  const share = await database.db
    .transaction()
    .execute(tx => grantWithin(rules, tx, { spawnerId: server.spawnerId, ownerId: server.userId }, sharedWith, scopes))
  access.changed()
  log.info({ by, server: serverKeyText(server.key), user: share.user, group: share.group, scopes }, 'server shared')
  return share
}

/** `scopes` absent: all of it. Undefined when nothing of the share is left, or nothing ever was. */
export async function revokeShare(
  rules: ShareRules,
  by: string,
  server: Pick<ServerRow, 'spawnerId' | 'key'>,
  sharedWith: ShareWith,
  scopes?: readonly string[],
): Promise<ShareRow | undefined> {
  const { database, access, log } = rules
  const { spawnerId } = server
  const left = await database.db.transaction().execute(async tx => {
    await lockServer(tx, database.dialect, spawnerId)
    const share = await findShare(tx, spawnerId, sharedWith, now(rules))
    const rest = share && scopes ? withoutScopes(share.scopes, scopes, server.key) : []
    if (!share || rest.length === 0) {
      await deleteShares(tx, spawnerId, sharedWith)
      return undefined
    }
    if (rest.length < share.scopes.length) await setScopes(tx, share.id, rest)
    return { ...share, scopes: rest }
  })
  access.changed()
  log.info({ by, server: serverKeyText(server.key), ...sharedWith, left: left?.scopes ?? [] }, 'share revoked')
  return left
}

/** A code that grants these scopes to whoever accepts it until then. */
export async function makeCode(
  rules: ShareRules,
  by: string,
  server: ServerRow,
  wanted: { scopes: readonly string[]; expiresInSeconds: number },
): Promise<{ id: number; code: string }> {
  const { database, log, clock } = rules
  const expiresAt = new Date(clock.now().getTime() + wanted.expiresInSeconds * 1000)
  const made = await insertCode(database.db, {
    spawnerId: server.spawnerId,
    ownerId: server.userId,
    scopes: wanted.scopes,
    createdAt: now(rules),
    expiresAt: toDbTime(expiresAt),
  })
  log.info({ by, server: serverKeyText(server.key), codeId: made.id, expiresAt }, 'share code made')
  return made
}

/** What a code offers; undefined when it is unknown, revoked or has run out. */
export async function findOffer(rules: ShareRules, code: string): Promise<ShareCodeRow | undefined> {
  return findCode(rules.database.db, code, now(rules))
}

/** Has the user all of it already, by a share of their own? */
export async function hasAccepted(rules: ShareRules, offer: ShareCodeRow, userId: number): Promise<boolean> {
  const share = await findShare(rules.database.db, offer.spawnerId, { userId }, now(rules))
  return share !== undefined && offer.scopes.every(scope => share.scopes.includes(scope))
}

/**
 * Gives the user what the code offers. Counted each time, as in JupyterHub, also when it changes nothing. Throws
 * HubError 400 `share_code_unknown` and `share_code_own`.
 */
export async function exchangeCode(
  rules: ShareRules,
  code: string,
  user: { id: number; name: string },
): Promise<ShareRow> {
  const { database, access, log } = rules
  const { offer, share } = await database.db.transaction().execute(async tx => {
    const found = await findCode(tx, code, now(rules))
    if (found?.ownerId === user.id) throw ownCode(400)
    if (!found || !(await countExchange(tx, found.id, now(rules)))) throw unknownCode(400)
    return { offer: found, share: await grantWithin(rules, tx, found, { userId: user.id }, found.scopes) }
  })
  access.changed()
  log.info({ user: user.name, server: serverKeyText(offer.server), codeId: offer.id }, 'share code accepted')
  return share
}

/** JupyterHub answers 404 when the page is asked for and 400 when it is accepted. */
export function unknownCode(status: 400 | 404): HubError {
  return new HubError('share_code_unknown', {
    status,
    message: 'This invitation does not exist, was taken back, or has run out.',
    nextStep: 'Ask for a new one.',
  })
}

/** JupyterHub answers 403 when the page is asked for and 400 when it is accepted. */
export function ownCode(status: 400 | 403): HubError {
  return new HubError('share_code_own', {
    status,
    message: 'This is an invitation to your own server.',
    nextStep: 'Send the address of this page to whoever is to use your server.',
  })
}

async function grantWithin(
  rules: ShareRules,
  tx: Db,
  server: { spawnerId: number; ownerId: number },
  sharedWith: ShareWith,
  scopes: readonly string[],
): Promise<ShareRow> {
  const { spawnerId, ownerId } = server
  await lockServer(tx, rules.database.dialect, spawnerId)
  const before = await findShare(tx, spawnerId, sharedWith, now(rules))
  if (before) {
    const all = [...new Set([...before.scopes, ...scopes])].sort()
    if (all.length > before.scopes.length) await setScopes(tx, before.id, all)
    return { ...before, scopes: all }
  }
  await insertShare(tx, { spawnerId, ownerId, with: sharedWith, scopes, now: now(rules) })
  return (await findShare(tx, spawnerId, sharedWith, now(rules)))! // just written
}

function now({ clock }: ShareRules): string {
  return toDbTime(clock.now())
}
