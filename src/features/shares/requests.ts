/** What the endpoints of sharing have in common: whose server it is about, and what may be granted on it. */
import type { FastifyRequest } from 'fastify'
import { getIdentity, may } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import { unknownScopes } from '../../core/scopes/expand.ts'
import { splitScope } from '../../core/scopes/parse.ts'
import { type ServerKey, serverKeyText } from '../../core/server-key.ts'
import { toDbTime } from '../../db/db-time.ts'
import { type Page, type PageLimits, pageEnvelope, readPage } from '../../http/pagination.ts'
import { findServer, type ServerRow, serversById } from '../../spawning/server-row.ts'
import { findUser } from '../users/user-store.ts'
import type { ShareModelSettings } from './models.ts'
import type { ShareRules } from './rules.ts'

export interface SharesDeps extends ShareRules, ShareModelSettings {
  readonly pageLimits?: PageLimits
  /** Everybody has a default server; this makes its row when there is none yet. */
  createDefaultServer(user: string): Promise<void>
}

export type OwnerParams = { Params: { owner: string } }
export type ServerParams = { Params: { owner: string; server?: string } }

/** The default server's name is empty, so its address ends with a slash. */
export function serverPaths(prefix: string): { path: string; which: 'DefaultServer' | 'Server' }[] {
  return [
    { path: `${prefix}/:owner/`, which: 'DefaultServer' },
    { path: `${prefix}/:owner/:server`, which: 'Server' },
  ]
}

export function keyOf(request: FastifyRequest): ServerKey {
  const { owner, server = '' } = request.params as ServerParams['Params']
  return { user: owner, server }
}

export function ownerOf(request: FastifyRequest): { user: string } {
  return { user: (request.params as OwnerParams['Params']).owner }
}

export function dbNow({ clock }: SharesDeps): string {
  return toDbTime(clock.now())
}

/** Throws 404, as JupyterHub for what it does not have. */
export async function getServer(deps: SharesDeps, key: ServerKey): Promise<ServerRow> {
  const row = await findServer(deps.database, key)
  if (row) return row
  if (key.server === '' && (await findUser(deps.database.db, key.user))) {
    await deps.createDefaultServer(key.user)
    const made = await findServer(deps.database, key)
    if (made) return made
  }
  const message = `No such server: ${printable(serverKeyText(key))}`
  throw new HubError('no_such_server', { status: 404, message })
}

export async function getOwnerId({ database }: SharesDeps, name: string): Promise<number> {
  const user = await findUser(database.db, name)
  if (!user) throw new HubError('no_such_user', { status: 404, message: `No such user: ${printable(name)}` })
  return user.id
}

/** Throws 400 for scopes that nobody defined. */
export function checkScopesExist(deps: SharesDeps, scopes: readonly string[]): void {
  const [unknown] = unknownScopes(scopes, deps.access.scopeDefinitions)
  if (unknown === undefined) return
  const message = `Scope '${printable(unknown)}' for share does not exist`
  throw new HubError('scope_unknown', { status: 400, message })
}

/** Nobody hands on what they may not do themselves: throws 403. */
export async function checkMayGrant(
  deps: SharesDeps,
  request: FastifyRequest,
  key: ServerKey,
  scopes: readonly string[],
): Promise<void> {
  const identity = await getIdentity(deps.access, request)
  for (const scope of scopes) {
    if (await may(deps.access, identity, splitScope(scope).base, key)) continue
    const message = `Do not have permission to grant share with scope ${printable(scope)}`
    throw new HubError('share_not_permitted', { status: 403, message })
  }
}

/** JupyterHub takes an empty body, or an empty anything, for `{}`. */
export function orEmpty(request: FastifyRequest): FastifyRequest {
  const isEmpty = !request.body || (Array.isArray(request.body) && request.body.length === 0)
  if (isEmpty) request.body = {}
  return request
}

/** A page of shares or codes, each with the server it is about: one read more for all of them. */
export async function pageWithServers<Row extends { spawnerId: number }>(
  deps: SharesDeps,
  request: FastifyRequest,
  list: (page: Page) => Promise<{ rows: readonly Row[]; total: number }>,
  model: (row: Row, server: ServerRow) => unknown,
) {
  const page = readPage(request, deps.pageLimits)
  const { rows, total } = await list(page)
  const servers = await serversById(deps.database, [...new Set(rows.map(row => row.spawnerId))])
  const byId = new Map(servers.map(server => [server.spawnerId, server]))
  const models = rows.flatMap(row => {
    const server = byId.get(row.spawnerId)
    return server ? [model(row, server)] : []
  })
  return pageEnvelope(request, models, page, total)
}

/** Answers what JupyterHub answers to a change of all servers of an owner at once. */
export async function refuseWholeOwner(): Promise<never> {
  throw new HubError('method_not_allowed', {
    status: 405,
    message: 'Method Not Allowed',
    headers: { allow: 'GET, OPTIONS' },
  })
}
